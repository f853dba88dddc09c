-- Addresses that are good for one thing and a while: a new password, an invitation.
-- depends: 0032_house

-- migrate: apply

-- Only the hash of a code is kept, and of an invitation five of its letters, by which people tell them apart; the
-- others are chance enough without these. `account_id` is for whom it is, `made_by` who made it (null: command line).
create table codes (
    hash bytea primary key,
    purpose text not null,
    hint text,
    account_id bigint references accounts (id),
    made_by bigint references accounts (id),
    payload jsonb not null default '{}',
    uses_left int not null check (uses_left >= 0),
    ends_at timestamptz not null,
    made_at timestamptz not null
);
create index codes_ends on codes (ends_at);
create index codes_account on codes (account_id) where account_id is not null;

-- migrate: rollback
