-- Why the keys of people on a server are refused: operators and moderators are told.
-- depends: 0005_receipts_in_order

-- migrate: apply

alter table peers add column key_fault text check (key_fault in ('key_too_small'));
alter table peers add column key_fault_at timestamptz;

-- migrate: rollback
