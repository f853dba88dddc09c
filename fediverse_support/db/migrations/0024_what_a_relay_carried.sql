-- A relay leads to what it carried: what was decided about that is logged under its own id.
-- depends: 0023_blocks_and_messages

-- migrate: apply

alter table receipts add column carried text;

-- migrate: rollback
