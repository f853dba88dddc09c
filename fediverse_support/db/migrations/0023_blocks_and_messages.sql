-- Who wants nothing more to do with whom; and what somebody wrote to a group that is not for the group.
-- depends: 0022_decisions_of_groups

-- migrate: apply

create table blocks (
    blocker_id bigint not null references actors (id),
    blocked_id bigint not null references actors (id),
    uri text not null,
    created_at timestamptz not null,
    primary key (blocker_id, blocked_id)
);
create index blocks_blocked on blocks (blocked_id, blocker_id);
create index blocks_uri on blocks (uri);

-- A message to a group's moderators. `answered_at` is when the automatic answer was written; the words go thirty days
-- after somebody marked it as done.
create table group_messages (
    id bigint primary key default new_id(),
    uri text not null unique,
    group_id bigint not null references groups (actor_id),
    author_id bigint not null references actors (id),
    warning text not null default '',
    body_html text not null,
    language text not null default 'und',
    received_at timestamptz not null,
    answered_at timestamptz,
    done_at timestamptz,
    done_by bigint references accounts (id)
);
create index group_messages_waiting on group_messages (group_id, id) where done_at is null;
create index group_messages_writer on group_messages (author_id, group_id, id);
create index group_messages_done on group_messages (done_at) where done_at is not null;

alter table notifications drop constraint notifications_kind_check;
alter table notifications add constraint notifications_kind_check check (kind in (
    'mention', 'reply', 'follow', 'joined', 'declined', 'held', 'approved', 'removed',
    'restored', 'locked', 'unlocked', 'banned', 'unbanned', 'not_taken', 'message')) not valid;

-- migrate: rollback
