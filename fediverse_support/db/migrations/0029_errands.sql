-- Work of any kind that is done later, written down beside its cause; and what comes round by the clock.
-- depends: 0028_addresses_of_deleted_posts

-- migrate: apply

-- `worker` has it in hand, and is believed for as long as it lives. Of a lane one job is done at a time; of a cause
-- no second job waits beside the first. `payload` holds ids and codes, never a person's words.
create table jobs (
    id bigint primary key default new_id(),
    kind text not null,
    lane text not null,
    cause text not null,
    payload jsonb not null,
    standing text not null default 'waiting' check (standing in ('waiting', 'parked')),
    due_at timestamptz not null,
    attempts int not null default 0,
    last_error text,
    worker int,
    held_at timestamptz,
    created_at timestamptz not null,
    unique (kind, cause)
);
create index jobs_due on jobs (kind, due_at) where standing = 'waiting';
create index jobs_lanes on jobs (kind, lane, due_at, id) where standing = 'waiting';
create index jobs_parked on jobs (created_at) where standing = 'parked';

-- The newest moment of each chore for which its job was written.
create table rounds (
    kind text primary key,
    at timestamptz not null
);

-- Which kinds of work there are is said by the code.
alter table worker_passes drop constraint worker_passes_kind_check;

-- migrate: rollback
