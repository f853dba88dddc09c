-- Replaceable SQL functions, installed anew after every migration run.
-- Each names its cost, because asking it per row is dear: a plan reads lists in the order of an index and stops at a
-- page, instead of asking about every post there is.

-- 'a.b.example:8000' -> {a.b.example:8000, a.b.example, b.example, example}: every domain a rule may name.
create or replace function domain_suffixes(host text) returns text[] language sql immutable parallel safe as $$
    select array_agg(distinct d) from (
        select host as d
        union all
        select array_to_string(labels[i:], '.')
        from (select string_to_array(split_part(host, ':', 1), '.') as labels) l,
             generate_subscripts(l.labels, 1) as i
    ) s
$$;

-- The severity in force for a host: the rule with the longest domain wins; null without a rule. Where the people of a
-- host are named by another domain, the rule for that counts if it is the stricter one; few hosts are like that.
-- In plpgsql, because it is asked per row and keeps its plan.
create or replace function rule_for(host text) returns text language plpgsql stable strict parallel safe cost 1000 as $$
declare
    names text[] := array[host];
    name text := split_part(host, ':', 1);
    dot int;
    found text;
begin
    loop
        names := names || name;
        dot := strpos(name, '.');
        exit when dot = 0;
        name := substr(name, dot + 1);
    end loop;
    select s.severity into found from (
        select r.severity, length(r.domain) as weight from domain_rules r where r.domain = any (names)
        union all
        select strictest(n.host), 1000 from host_names n where n.host = rule_for.host) s
    order by s.weight desc limit 1;
    return found;
end $$;

-- The strictest of a host's own rule and those for the domains by which it names its people; its own if none forbids.
create or replace function strictest(host text) returns text language sql stable parallel safe as $$
    select s.severity from (
        select x.place, (select r.severity from domain_rules r where r.domain = any (domain_suffixes(x.name))
                         order by length(r.domain) desc limit 1) as severity
        from (select 0 as place, strictest.host as name
              union all
              select 1, n.domain from host_names n where n.host = strictest.host) x) s
    order by array_position(array['suspend', 'hold', 'limit'], s.severity) nulls last, s.place
    limit 1
$$;

-- Every domain a rule about this host may name: its own and its parents', and those its people are named by.
create or replace function ruled_by(host text) returns text[] language sql stable parallel safe as $$
    select domain_suffixes(host)
        || array(select unnest(domain_suffixes(n.domain)) from host_names n where n.host = ruled_by.host)
$$;

-- Is a host talked to at all? `mode` is that of the instance: open, allowlist or off.
create or replace function talks_to(host text, mode text) returns boolean language plpgsql stable parallel safe cost 1000
as $$
begin
    return case mode
        when 'off' then false
        when 'allowlist' then rule_for(host) is not distinct from 'allow'
        else rule_for(host) is distinct from 'suspend' end;
end $$;

-- May this viewer read this post? `viewer` is the signed-in person's actor id, null for a visitor. Authors read their
-- own, whether or not the group it stands in is still open to them: nobody loses their own words by leaving.
-- policy.access.may_read is the same rule in Python; a test holds the two equal.
-- Only hands on the columns that decide, so that a plan takes it in and no row is put together to be asked about.
create or replace function can_see(p posts, viewer bigint) returns boolean language sql stable as $$
    select may_see(p.id, p.author_id, p.host, p.group_id, p.audience, p.standing, viewer)
$$;

-- In plpgsql, which keeps the plans of what it asks.
create or replace function may_see(
    post_id bigint, author_id bigint, host text, group_id bigint, audience text, standing text, viewer bigint
) returns boolean language plpgsql stable parallel safe cost 10000 as $$
declare
    is_own boolean := author_id is not distinct from viewer;
    rule text;
    author_standing text;
    group_kind text;
begin
    if standing is null or standing in ('removed', 'deleted') or (standing = 'held' and not is_own) then
        return false;
    end if;
    if host is not null then
        rule := rule_for(host);
        if rule = 'suspend' then
            return false;
        end if;
    end if;
    select a.standing, g.kind into author_standing, group_kind
    from actors a left join groups g on g.actor_id = may_see.group_id where a.id = may_see.author_id;
    -- What came in under a limit is for everybody again once neither its server nor its author is limited.
    if author_standing in ('suspended', 'deleted')
       or (standing = 'limited' and viewer is null and (rule = 'limit' or author_standing = 'limited')) then
        return false;
    end if;
    if is_own then
        return true;
    elsif audience in ('public', 'unlisted') then
        null;
    elsif audience = 'group' then
        if group_id is null then
            return false;
        end if;
    elsif audience = 'followers' and follows_now(viewer, author_id) then
        null;
    else
        -- Whoever is named may read it: a message to a few, and one to followers and those it names.
        perform 1 from mentions m where m.post_id = may_see.post_id and m.actor_id = viewer;
        if not found then
            return false;
        end if;
    end if;
    return group_id is null or group_kind = 'open' or may_enter(group_id, group_kind, viewer);
end $$;

-- Is the one an accepted follower of the other? A member, where the other is a group.
create or replace function follows_now(follower bigint, target bigint)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return follower is not null and exists (
        select 1 from follows f where f.follower_id = follower and f.target_id = target and f.standing = 'accepted');
end $$;

-- May this viewer read what is in a group of this kind? policy.access.may_enter is the same in Python.
create or replace function may_enter(g bigint, kind text, viewer bigint)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    if kind = 'open' then
        return true;
    elsif kind is null or viewer is null then
        return false;
    elsif kind = 'home-open' then
        return exists (select 1 from actors v where v.id = viewer and v.account_id is not null);
    end if;
    return follows_now(viewer, g);
end $$;

-- May this viewer still read what a moderator took out, or did not let appear? Only its author, here, and only on
-- pages that say what happened: no list, app or server asks this, and `can_see` answers no. Whether its group is still
-- open to them does not matter, because nobody loses their own words. policy.access.may_reread is the same in Python.
create or replace function can_reread(p posts, viewer bigint) returns boolean language sql stable cost 1000 as $$
    select p.standing = 'removed'
       and exists (
           select 1 from actors a
           where a.id = viewer and a.id = p.author_id and a.account_id is not null
             and a.standing not in ('suspended', 'deleted'))
$$;

-- May this viewer read what is in this group?
create or replace function can_see_group(g bigint, viewer bigint)
returns boolean language plpgsql stable parallel safe cost 2000 as $$
begin
    return may_enter(g, (select r.kind from groups r where r.actor_id = g), viewer);
end $$;

-- May another server fetch this post? Only what is ours and public, in an open group or on a profile. Whether a rule
-- keeps that server out is asked once for the request, by whoever answers it.
drop function if exists can_fetch(posts, text);
create or replace function can_fetch(p posts) returns boolean language sql stable as $$
    select p.standing in ('visible', 'limited')
       and p.host is null
       and p.audience in ('public', 'unlisted')
       and (p.group_id is null or is_open(p.group_id))
$$;

create or replace function is_open(g bigint) returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return exists (select 1 from groups r where r.actor_id = g and r.kind = 'open');
end $$;

-- What the roles of an account in our team give it. policy.access.POWERS is the same table in Python.
create or replace function role_may(roles text[], power text) returns boolean language sql immutable parallel safe as $$
    select coalesce(roles && case
        when power in ('moderate', 'read-messages', 'admit', 'rule')
            then array['moderator', 'deputy', 'safety-lead', 'admin']
        when power = 'administer' then array['admin']
        when power = 'link-names' then array['safety-lead'] end, false)
$$;

-- Is this group in this person's care?
create or replace function moderates(g bigint, person bigint)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return exists (select 1 from group_moderators m where m.group_id = g and m.actor_id = person);
end $$;

-- Has this person any group in their care?
create or replace function moderates_any(person bigint)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return exists (select 1 from group_moderators m where m.actor_id = person);
end $$;

-- May this person decide about what is in a group, null for outside of groups? Its moderators may; our team where it
-- reads. `roles` are those of the person's account. policy.access.may_moderate is the same in Python.
create or replace function may_moderate(g bigint, person bigint, roles text[])
returns boolean language plpgsql stable parallel safe cost 2000 as $$
begin
    return moderates(g, person) or (role_may(roles, 'moderate') and (
        g is null or exists (select 1 from groups r where r.actor_id = g and r.kind in ('open', 'home-open'))));
end $$;

-- May this person read what was written to a group's moderators? They may; our team where none of ours moderates it.
-- policy.access.may_read_messages is the same in Python.
drop function if exists may_read_messages(bigint, bigint, boolean);
create or replace function may_read_messages(g bigint, person bigint, roles text[])
returns boolean language plpgsql stable parallel safe cost 2000 as $$
begin
    return moderates(g, person) or (role_may(roles, 'read-messages') and not exists (
        select 1 from group_moderators m join actors a on a.id = m.actor_id
        where m.group_id = g and a.account_id is not null));
end $$;

-- Is the worker that took a lane still connected? Each holds a lock under its number for as long as its session lives.
create or replace function worker_lives(number int) returns boolean language sql volatile as $$
    select number is not null and exists (
        select 1 from pg_locks where locktype = 'advisory' and classid = 7042 and objid = number::oid and granted)
$$;

-- Is something for this host due that may be sent now? `mode` is who may get anything at all.
-- What is suspended is passed on to nobody, but every host may be asked to forget it.
create or replace function has_due_delivery(wanted text, at timestamptz, mode text) returns boolean
language plpgsql stable strict cost 5000 as $$
begin
    return talks_to(wanted, mode) and exists (
        select 1 from deliveries d
        where d.standing = 'waiting' and d.host = wanted and d.due_at <= at
          and exists (select 1 from activities x where x.id = d.activity_id and x.document is not null)
          and (not exists (select 1 from posts p where p.id = d.post_id and rule_for(p.host) = 'suspend')
               or exists (
                   select 1 from activities x left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
                   where x.id = d.activity_id and coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject'))));
end $$;

-- The numbers of all workers that live, for statements about many lanes.
create or replace function living_workers() returns int[] language sql volatile as $$
    select coalesce(array_agg(objid::bigint::int), '{}')
    from pg_locks where locktype = 'advisory' and classid = 7042 and granted
$$;

-- The number of a host, under which it stands in sets of hosts; given out here, in turn and for ever.
create or replace function peer_number(wanted text) returns int language plpgsql volatile as $$
declare
    found_number int;
begin
    select number into found_number from peers where host = wanted;
    if found_number is null then
        perform pg_advisory_xact_lock(7043, 1);
        insert into peers (host) values (wanted) on conflict (host) do nothing;
        update peers set number = (select coalesce(max(number), -1) + 1 from peers) where host = wanted and number is null;
        select number into found_number from peers where host = wanted;
    end if;
    return found_number;
end $$;

-- A set of hosts: a bit for each number. Its length is rounded up, so that most sets have the same.
create or replace function hosts_of(numbers int[]) returns bit varying language plpgsql immutable strict parallel safe as $$
declare
    bits bit varying := '';
    n int;
begin
    foreach n in array numbers loop
        if n >= length(bits) then
            bits := bits || repeat('0', n / 64 * 64 + 64 - length(bits))::bit varying;
        end if;
        bits := set_bit(bits, n, 1);
    end loop;
    return bits;
end $$;

-- The hosts of both sets.
create or replace function all_hosts(a bit varying, b bit varying) returns bit varying language sql immutable strict parallel safe as $$
    select case
        when length(a) = length(b) then a | b
        when length(a) < length(b) then (a || repeat('0', length(b) - length(a))::bit varying) | b
        else a | (b || repeat('0', length(a) - length(b))::bit varying)
    end
$$;

-- Is the host with this number in the set?
create or replace function has_host(hosts bit varying, number int) returns boolean language sql immutable parallel safe as $$
    select case when number < length(hosts) then get_bit(hosts, number) = 1 else false end
$$;

-- Do two sets of hosts have one in common? Not strict, so that a plan takes it in.
create or replace function have_common_host(one bit varying, other bit varying) returns boolean
language sql immutable parallel safe as $$
    select case when length(one) = length(other) then bit_count(one & other) > 0
                else bit_count(substring(one for least(length(one), length(other)))
                               & substring(other for least(length(one), length(other)))) > 0 end
$$;

-- The numbers of the hosts in a set.
create or replace function host_numbers(hosts bit varying) returns setof int language sql immutable strict parallel safe rows 100 as $$
    select n from generate_series(0, length(hosts) - 1) n where get_bit(hosts, n) = 1
$$;

-- Is this person or group there for this viewer? A closed group, and a person made for one, only for those who read it;
-- the suspended, the deleted, those not yet let in, and everybody on a suspended server for nobody.
create or replace function can_see_actor(a actors, viewer bigint) returns boolean language sql stable as $$
    select may_see_actor(a.id, a.kind, a.standing, a.host, a.account_id, a.for_group_id, viewer)
$$;

create or replace function may_see_actor(
    actor_id bigint, kind text, standing text, host text, account_id bigint, for_group_id bigint, viewer bigint
) returns boolean language plpgsql stable parallel safe cost 5000 as $$
begin
    if kind not in ('person', 'group', 'service') or standing not in ('visible', 'limited')
       or (host is not null and rule_for(host) = 'suspend')
       or (kind = 'group' and not can_see_group(actor_id, viewer))
       or (for_group_id is not null and actor_id is distinct from viewer
           and not can_see_group(for_group_id, viewer)) then
        return false;
    end if;
    return account_id is null or not exists (
        select 1 from accounts c where c.id = account_id and c.standing in ('pending', 'deleted'));
end $$;

-- The words somebody types, as each language would have stored them: all of them, in one language or another.
create or replace function asked_words(typed text) returns tsquery language sql stable parallel safe as $$
    select coalesce(string_agg(distinct '(' || t.asked::text || ')', ' | '), '')::tsquery
    from (select plainto_tsquery(c.oid, typed) as asked from pg_ts_config c
          where c.cfgnamespace = 'pg_catalog'::regnamespace) t
    where numnode(t.asked) > 0
$$;

-- A query for any of these marks; for none, one that finds nothing.
create or replace function any_mark(marks text[]) returns tsquery language sql immutable parallel safe as $$
    select coalesce(string_agg('''' || m || '''', ' | '), ''' none''')::tsquery from unnest(marks) m
$$;

-- Takes jobs of one kind that are due, at most one of each lane and none of a lane of which one is in hand. Goes from lane
-- to lane along the index, beginning after `past`: a long lane costs no more than a short one, and delays no other.
create or replace function claim_jobs(wanted text, most int, past text, at timestamptz, holder int)
returns table (id bigint, lane text, payload jsonb, attempts int, created_at timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    living int[];
begin
    -- Whoever claims waits for who claims before, and so sees what is in hand.
    perform pg_advisory_xact_lock(7044, hashtext(wanted));
    living := living_workers();
    return query
    with recursive walk (lane) as (
        (select j.lane from jobs j
         where j.kind = wanted and j.standing = 'waiting' and j.lane > past order by j.lane limit 1)
        union all
        select (select j.lane from jobs j
                where j.kind = wanted and j.standing = 'waiting' and j.lane > w.lane order by j.lane limit 1)
        from walk w where w.lane is not null
    ), heads as materialized (
        select h.id from walk w cross join lateral (
            select j.id from jobs j
            where j.kind = wanted and j.standing = 'waiting' and j.lane = w.lane and j.due_at <= at
            order by j.due_at, j.id limit 1 for update skip locked) h
        where w.lane is not null and not exists (
            select 1 from jobs k
            where k.kind = wanted and k.standing = 'waiting' and k.lane = w.lane and k.worker = any (living))
        limit most
    )
    update jobs j set worker = holder, held_at = at, attempts = j.attempts + 1
    from heads h where j.id = h.id
    returning j.id, j.lane, j.payload, j.attempts, j.created_at;
end $$;
