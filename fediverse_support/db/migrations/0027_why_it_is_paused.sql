-- Why a conversation is paused, in the words that were published about it, and who paused it.
-- depends: 0026_words_by_their_authors_clock

-- migrate: apply

-- `by_id` is the group that decided. The row goes when the conversation goes on.
create table pauses (
    post_id bigint primary key references posts (id),
    by_id bigint references actors (id),
    reason text not null default '',
    paused_at timestamptz not null
);

-- What authors were told is the only place where the words of earlier pauses are.
insert into pauses (post_id, by_id, reason, paused_at)
select distinct on (n.post_id) n.post_id, n.actor_id, n.words, n.created_at
from notifications n join posts p on p.id = n.post_id and p.is_locked and p.standing <> 'deleted'
where n.kind = 'locked'
order by n.post_id, n.id desc;

-- migrate: rollback
