-- A server that refuses to have its own activities announced to it is told of them in the other form.
-- depends: 0012_ages

-- migrate: apply

alter table peers add column refuses_own boolean not null default false;

-- migrate: rollback
