-- Mails go only to addresses that are known to belong to whom they are for.
-- depends: 0029_errands

-- migrate: apply

alter table accounts add column email_confirmed_at timestamptz;

-- Until now an address came from the command line only: whoever made the account vouched for it.
update accounts set email_confirmed_at = created_at where email is not null;

-- migrate: rollback
