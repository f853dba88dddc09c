-- Tell older words from newer ones by one clock, their author's; remember where newer words were told to nobody.
-- depends: 0025_told_again_under_one_id

-- migrate: apply

-- What the author's server says about when the words are from; null for posts of before, whose times are ours.
alter table posts add column words_at timestamptz;
-- An edit that was fetched, or came while the post waited, was passed on to nobody.
alter table posts add column is_untold boolean not null default false;

-- migrate: rollback
