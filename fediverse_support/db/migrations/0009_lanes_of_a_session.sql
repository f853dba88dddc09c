-- A lane is held for a session of the database, and since when is known; when each kind of work last went well, too.
-- depends: 0008_catching_up

-- migrate: apply

alter table lanes add column held_at timestamptz;

-- When a worker last went through a kind of work without a fault.
create table worker_passes (
    kind text primary key check (kind in ('receive', 'deliver', 'housekeeping')),
    succeeded_at timestamptz not null
);

-- migrate: rollback
