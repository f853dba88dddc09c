-- Who took a post out, and the words that were published about it; and what people are told of a group's decisions.
-- depends: 0021_names_of_hosts

-- migrate: apply

-- `by_id` is the group that decided, null for our own team. Whoever took a post out may let it back in, nobody else.
-- The row outlives the words: what was taken out stays out when its author deletes it and thinks again.
create table removals (
    post_id bigint primary key references posts (id),
    by_id bigint references actors (id),
    before text not null default 'visible' check (before in ('visible', 'limited', 'held')),
    reason text not null default '',
    removed_at timestamptz not null
);

alter table notifications add column words text not null default '';
alter table notifications drop constraint notifications_kind_check;
alter table notifications add constraint notifications_kind_check check (kind in (
    'mention', 'reply', 'follow', 'joined', 'declined', 'held', 'approved', 'removed',
    'restored', 'locked', 'unlocked', 'banned', 'unbanned', 'not_taken')) not valid;

-- migrate: rollback
