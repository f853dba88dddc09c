-- An account may have several names: what somebody is told is for one of them.
-- depends: 0035_words_from_new_rows

-- migrate: apply

alter table notifications add column person_id bigint references actors (id);
update notifications n set person_id = (
    select a.id from actors a where a.account_id = n.account_id order by a.for_group_id nulls first, a.id limit 1);
delete from notifications where person_id is null;
alter table notifications alter column person_id set not null;

-- migrate: rollback
