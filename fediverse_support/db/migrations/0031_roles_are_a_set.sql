-- Somebody may have several roles in our team; a member is who has none.
-- depends: 0030_confirmed_addresses

-- migrate: apply

alter table accounts add column roles text[] not null default '{}'
    check (roles <@ array['moderator', 'admin', 'safety-lead', 'deputy']);
update accounts set roles = array[role] where role <> 'member';
alter table accounts drop column role;

-- migrate: rollback
