-- What a delivery that is put off is about: what comes after it about the same thing waits for it.
-- depends: 0004_receipts_wait_under_rules

-- migrate: apply

alter table receipts add column about text[];

create index receipts_put_off on receipts (host) where standing in ('waiting', 'ruled') and about is not null;
create index receipts_about on receipts using gin (about) where standing in ('waiting', 'ruled') and about is not null;

-- migrate: rollback
