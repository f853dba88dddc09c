-- Only what groups passed on is looked for by who did it: everything else need not stand in that index.
-- depends: 0013_refuses_own

-- migrate: apply

create index activities_passed_on on activities (actor_uri, id desc)
    where direction = 'out' and verb = 'Announce' and public;
drop index activities_actor;

-- migrate: rollback
