-- Replaceable SQL functions, installed anew after every migration run.
-- Each names its cost, because asking it per row is dear: a plan reads lists in the order of an index and stops at a
-- page, instead of asking about every post there is.

-- Whoever may see what is asked for every line of a list, so the rules below are written as sets of one: a plan takes in
-- what returns a set, and then looks things up itself, at a fifth of what calling a function costs. Lists say
-- `cross join can_see_each(p.id, ...) s (yes)`, with the columns that decide; whoever asks about one thing calls the
-- function of the same name without `each`, which asks nothing else. Sub-selects for one row, and not `exists`, so that
-- no plan reads a whole table to know it beforehand.

-- 'a.b.example:8000' -> {a.b.example:8000, a.b.example, b.example, example}: every domain a rule may name.
-- In plpgsql, which is several times as fast here.
create or replace function domain_suffixes(host text) returns text[] language plpgsql immutable parallel safe as $$
declare
    name text := split_part(host, ':', 1);
    names text[] := case when name = host then '{}' else array[host] end;
    dot int;
begin
    loop
        names := names || name;
        dot := strpos(name, '.');
        exit when dot > 0 is not true;
        name := substr(name, dot + 1);
    end loop;
    return names;
end $$;

-- The severity in force for a host: the rule with the longest domain wins; null without a rule. Where the people of a
-- host are named by another domain, the rule for that counts if it is the stricter one; few hosts are like that.
create or replace function rule_for_each(host text) returns setof text language sql stable parallel safe rows 1 as $$
    select case
        when (select true from host_names n where n.host = rule_for_each.host limit 1)
        then strictest(rule_for_each.host)
        else (select r.severity
              from (select domain_suffixes(rule_for_each.host) as names offset 0) s
              join domain_rules r on r.domain = any (s.names)
              order by length(r.domain) desc limit 1) end
$$;

create or replace function rule_for(host text) returns text language plpgsql stable strict parallel safe cost 1000 as $$
begin
    return (select r.severity from rule_for_each(host) r (severity));
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
create or replace function talks_to_each(host text, mode text)
returns setof boolean language sql stable parallel safe rows 1 as $$
    select case mode
        when 'off' then false
        when 'allowlist' then r.severity is not distinct from 'allow'
        else r.severity is distinct from 'suspend' end
    from rule_for_each(host) r (severity)
$$;

create or replace function talks_to(host text, mode text) returns boolean language plpgsql stable parallel safe cost 1000
as $$
begin
    return (select t.yes from talks_to_each(host, mode) t (yes));
end $$;

-- Is a host cut off, by its own rule or that for a domain above it? Nothing that is no host is.
create or replace function is_cut_off(host text) returns boolean language sql stable parallel safe as $$
    select rule_for(host) is not distinct from 'suspend'
$$;

-- The domains that are cut off by name. A list passes by what comes from one in its index, `coalesce(p.host, '') not in
-- (select c.domain from cut_off_by_name() c (domain))`, and asks about nothing else before it has a row.
create or replace function cut_off_by_name() returns setof text language sql stable parallel safe as $$
    select r.domain from domain_rules r where r.severity = 'suspend'
$$;

-- The domains that are named by a rule which keeps something back; passed by likewise where nothing of theirs shows.
create or replace function held_back_by_name() returns setof text language sql stable parallel safe as $$
    select r.domain from domain_rules r where r.severity <> 'allow'
$$;

-- Is a host free of every rule that keeps something back? What is no host is.
create or replace function is_free_each(host text) returns setof boolean language sql stable parallel safe rows 1 as $$
    select coalesce((
        select r.severity from rule_for_each(is_free_each.host) r (severity)
        where is_free_each.host is not null), 'allow') = 'allow'
$$;

-- The name shown of a person or a group: what they call themselves, else the name in their address.
create or replace function name_shown(chosen text, name text) returns text language sql immutable parallel safe as $$
    select coalesce(nullif(chosen, ''), name)
$$;

-- The door of an actor elsewhere: the inbox that its server shares among many, if it has one and `shared` lets it be used.
create or replace function door_of(shared_inbox_uri text, inbox_uri text, shared boolean default true)
returns text language sql immutable parallel safe as $$
    select case when shared then coalesce(shared_inbox_uri, inbox_uri) else inbox_uri end
$$;

-- Is an actor of ours known outside? A closed group is not, nor a person made for one, nor who is not let in yet.
create or replace function is_known_outside(kind text, made_for text, account_standing text)
returns boolean language sql immutable parallel safe as $$
    select (kind is null or kind = 'open')
       and (made_for is null or made_for = 'open')
       and (account_standing is null or account_standing <> 'pending')
$$;

-- Is a post public, and still with its author, whom it needs to be shown?
create or replace function is_public(audience text, standing text, author_standing text)
returns boolean language sql immutable parallel safe as $$
    select audience in ('public', 'unlisted')
       and standing in ('visible', 'limited')
       and author_standing in ('visible', 'limited')
$$;

-- Of two kinds of group, what both let read: members here alone, where neither is within the other.
-- domain.audiences.narrower_kind is the same in Python.
create or replace function narrower_kind(one text, other text) returns text language sql immutable parallel safe as $$
    select case when one = other or other = 'open' then one when one = 'open' then other else 'home' end
$$;

-- As they were when a reader had one name.
drop function if exists can_see_each(bigint, bigint, text, bigint, text, text, bigint),
    may_see(bigint, bigint, text, bigint, text, text, bigint), can_see(posts, bigint),
    can_see_post_each(bigint, bigint), may_enter_each(bigint, text, bigint), can_reread(posts, bigint),
    writes_here(bigint), can_see_group_each(bigint, bigint), can_see_group(bigint, bigint), can_see_actor(actors, bigint),
    can_see_actor_each(bigint, text, text, text, bigint, bigint, bigint),
    may_see_actor(bigint, text, text, text, bigint, bigint, bigint);

-- Who reads is asked with all the names they have, `readers`: a page with those of an account, an app with the one that
-- it speaks for; none, or null, for a visitor. Whoever acts is asked with the one name they act under.

-- May they read this post? Authors read their own, whether or not the group it stands in is still open to them: nobody
-- loses their own words by leaving. For all others a group that was opened keeps closed what was written before, and one
-- that was closed closes all of it.
-- policy.access.may_read is the same rule in Python; a test holds the two equal.
-- Only hands on the columns that decide, so that a plan takes it in and no row is put together to be asked about.
create or replace function can_see(p posts, readers bigint[]) returns boolean language sql stable as $$
    select may_see(p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, readers)
$$;

-- What came in under a limit is for everybody again once neither its server nor its author is limited. Whoever is named
-- may read it: a message to a few, and one to followers and those it names.
create or replace function can_see_each(
    post_id bigint, author_id bigint, host text, group_id bigint, written_in text, audience text, standing text,
    readers bigint[]
) returns setof boolean language sql stable parallel safe rows 1 as $$
    select case
        when can_see_each.standing is null or can_see_each.standing in ('removed', 'deleted')
             or (can_see_each.standing = 'held' and (can_see_each.author_id = any (readers)) is not true)
        then false
        else (
            select case
                when a.standing in ('suspended', 'deleted') or r.rule = 'suspend' then false
                when can_see_each.standing = 'limited' and readers[1] is null
                     and (r.rule = 'limit' or a.standing = 'limited')
                then false
                when a.id = any (readers) then true
                when (case
                    when audience in ('public', 'unlisted') then true
                    when audience = 'group' then can_see_each.group_id is not null
                    else (audience = 'followers'
                          and (select true from follows f
                               where f.follower_id = any (readers) and f.target_id = a.id
                                 and f.standing = 'accepted' limit 1))
                      or (select true from mentions m
                          where m.post_id = can_see_each.post_id and m.actor_id = any (readers)
                          limit 1) end) is not true
                then false
                else can_see_each.group_id is null
                  or (select e.yes
                      from may_enter_each(can_see_each.group_id, narrower_kind(written_in, g.kind), readers) e (yes)) end
            from actors a
            left join groups g on g.actor_id = can_see_each.group_id
            cross join lateral (
                select case when can_see_each.host is not null
                            then (select r.severity from rule_for_each(can_see_each.host) r (severity)) end as rule
                offset 0) r
            where a.id = can_see_each.author_id) end
$$;

create or replace function can_see_post_each(post_id bigint, readers bigint[])
returns setof boolean language sql stable parallel safe rows 1 as $$
    select s.yes
    from posts p
    cross join can_see_each(p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, readers) s (yes)
    where p.id = can_see_post_each.post_id
$$;

-- In plpgsql, which keeps the plan of what it asks.
create or replace function may_see(
    post_id bigint, author_id bigint, host text, group_id bigint, written_in text, audience text, standing text,
    readers bigint[]
) returns boolean language plpgsql stable parallel safe cost 10000 as $$
begin
    return (select s.yes
            from can_see_each(post_id, author_id, host, group_id, written_in, audience, standing, readers) s (yes));
end $$;

drop function if exists follows_now(bigint, bigint), may_enter(bigint, text, bigint);

-- May they read what is in a group of this kind? policy.access.may_enter is the same in Python.
create or replace function may_enter_each(g bigint, kind text, readers bigint[])
returns setof boolean language sql stable parallel safe rows 1 as $$
    select case
        when may_enter_each.kind = 'open' then true
        when may_enter_each.kind is null or readers[1] is null then false
        -- What is for this server is not for members elsewhere, whom a group may have that was opened.
        when may_enter_each.kind <> 'circle'
             and (select true from actors v where v.id = any (readers) and v.account_id is not null limit 1) is not true
        then false
        else may_enter_each.kind = 'home-open'
          or coalesce((select true from follows f
                       where f.follower_id = any (readers) and f.target_id = g and f.standing = 'accepted'
                       limit 1), false) end
$$;

-- May they still read what a moderator took out, or did not let appear? Only its author, here, and only on
-- pages that say what happened: no list, app or server asks this, and `can_see` answers no. Whether its group is still
-- open to them does not matter, because nobody loses their own words. policy.access.may_reread is the same in Python.
create or replace function can_reread(p posts, readers bigint[]) returns boolean language sql stable as $$
    select p.standing = 'removed' and p.author_id = any (readers) and writes_here(p.author_id)
$$;

create or replace function writes_here(author bigint)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return exists (
        select 1 from actors a
        where a.id = author and a.account_id is not null and a.standing not in ('suspended', 'deleted'));
end $$;

-- May they read what is in this group now?
create or replace function can_see_group_each(g bigint, readers bigint[])
returns setof boolean language sql stable parallel safe rows 1 as $$
    select coalesce((
        select e.yes from groups r cross join may_enter_each(g, r.kind, readers) e (yes) where r.actor_id = g), false)
$$;

-- May they read what was written in this group while it was of this kind, and stands in it now?
create or replace function can_see_in_group(g bigint, written_in text, readers bigint[])
returns boolean language plpgsql stable parallel safe cost 2000 as $$
begin
    return (select e.yes from groups r cross join may_enter_each(g, narrower_kind(written_in, r.kind), readers) e (yes)
            where r.actor_id = g);
end $$;

create or replace function can_see_group(g bigint, readers bigint[])
returns boolean language plpgsql stable parallel safe cost 2000 as $$
begin
    return (select s.yes from can_see_group_each(g, readers) s (yes));
end $$;

-- May another server fetch this post? Only what is ours and public, in an open group or on a profile. Whether a rule
-- keeps that server out is asked once for the request, by whoever answers it.
drop function if exists can_fetch(posts, text);
create or replace function can_fetch(p posts) returns boolean language sql stable as $$
    select p.standing in ('visible', 'limited')
       and p.host is null
       and p.audience in ('public', 'unlisted')
       and in_the_open(p.group_id, p.written_in)
$$;

-- Is what was written in this group, while it was of this kind, in the open? What is in no group is.
drop function if exists is_open(bigint), is_open(bigint, text);
create or replace function in_the_open_each(g bigint, written_in text)
returns setof boolean language sql stable parallel safe rows 1 as $$
    select in_the_open_each.g is null or in_the_open_each.written_in = 'open' and coalesce((
        select r.kind = 'open' from groups r where r.actor_id = in_the_open_each.g), false)
$$;

create or replace function in_the_open(g bigint, written_in text)
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return (select o.yes from in_the_open_each(g, written_in) o (yes));
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

-- Is it in the care of any of these names?
create or replace function any_moderates(g bigint, names bigint[])
returns boolean language plpgsql stable parallel safe cost 1000 as $$
begin
    return exists (select 1 from group_moderators m where m.group_id = g and m.actor_id = any (names));
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

-- May this person write in a group, null for outside of groups? `answered` is the post that they answer, null for a new
-- conversation; a ban counts that has not ended at `at`. policy.access.may_write is the same in Python.
create or replace function may_write(g bigint, person bigint, answered bigint, at timestamptz)
returns boolean language plpgsql stable parallel safe cost 5000 as $$
declare
    is_moderator boolean := moderates(g, person);
    above record;
    place record;
begin
    if exists (select 1 from actors a join accounts c on c.id = a.account_id
               where a.id = person and c.standing <> 'active') then
        return false;
    end if;
    if answered is not null then
        select p.standing, p.is_locked or r.is_locked as is_locked into above
        from posts p left join posts r on r.id = p.root_id where p.id = answered;
        if above.standing in ('removed', 'deleted') or (above.is_locked and not is_moderator) then
            return false;
        end if;
    end if;
    if g is null then
        return true;
    elsif exists (select 1 from group_bans b
                  where b.group_id = g and b.actor_id = person and (b.ends_at is null or b.ends_at > at)) then
        return false;
    end if;
    select r.kind, r.approval, r.posting_restricted, a.host is null as is_local into place
    from groups r join actors a on a.id = r.actor_id where r.actor_id = g;
    if is_moderator or not place.is_local then
        return true;
    elsif place.posting_restricted and answered is null then
        return false;
    end if;
    return place.kind = 'home-open' or (place.kind = 'open' and not place.approval)
        or exists (select 1 from follows f
                   where f.follower_id = person and f.target_id = g and f.standing = 'accepted');
end $$;

-- May a post that waits appear, if a moderator says so? Only where its author may still write what it is.
create or replace function may_appear(p posts, at timestamptz) returns boolean language sql stable cost 5000 as $$
    select may_write(p.group_id, p.author_id, p.parent_id, at) and exists (
        select 1 from actors a where a.id = p.author_id and a.standing in ('visible', 'limited'))
$$;

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
drop function if exists has_due_delivery(text, timestamptz, text);
create or replace function has_due_delivery_each(wanted text, at timestamptz, mode text)
returns setof boolean language sql stable rows 1 as $$
    select true from talks_to_each(wanted, mode) t (yes)
    where t.yes and (
        select true from deliveries d
        where d.standing = 'waiting' and d.host = wanted and d.due_at <= at
          and (select x.document is not null from activities x where x.id = d.activity_id)
          and (not exists (select 1 from posts p where p.id = d.post_id and rule_for(p.host) = 'suspend')
               or exists (
                   select 1 from activities x left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
                   where x.id = d.activity_id and coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject')))
        limit 1)
$$;

-- Does anybody follow an actor, or wish to? In an order that an index has, since how many follow one or another
-- differs more than any plan could guess.
create or replace function is_followed_each(actor bigint)
returns setof boolean language sql stable rows 1 as $$
    select coalesce(
        (select true from follows f where f.target_id = actor and f.standing = 'accepted' order by f.id limit 1),
        (select true from follows f where f.target_id = actor and f.standing = 'pending' order by f.id limit 1),
        false)
$$;

-- The numbers of all workers that live, for statements about many lanes.
create or replace function living_workers() returns int[] language sql volatile as $$
    select coalesce(array_agg(objid::bigint::int), '{}')
    from pg_locks where locktype = 'advisory' and classid = 7042 and granted
$$;

-- A row id for a person of ours: like new_id(), but somewhere in its day, so that two names of one account that were
-- made together do not show it. From a strong source, because numbers of a weak one can be told to belong together.
create or replace function new_person_id() returns bigint language sql volatile as $$
    select (((new_id() >> 20) / 86400000 * 86400000) << 20)
         + (('x' || left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 15))::bit(60)::bigint
            % (86400000::bigint << 20))
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

-- Is this person or group there for them? A closed group, and a person made for one, only for those who read it;
-- the suspended, the deleted, those not yet let in, and everybody on a suspended server for nobody.
create or replace function can_see_actor(a actors, readers bigint[]) returns boolean language sql stable as $$
    select may_see_actor(a.id, a.kind, a.standing, a.host, a.account_id, a.for_group_id, readers)
$$;

create or replace function can_see_actor_each(
    actor_id bigint, kind text, standing text, host text, account_id bigint, for_group_id bigint, readers bigint[]
) returns setof boolean language sql stable parallel safe rows 1 as $$
    select case
        when can_see_actor_each.kind not in ('person', 'group', 'service')
             or can_see_actor_each.standing not in ('visible', 'limited')
        then false
        when can_see_actor_each.host is not null
             and (select r.severity from rule_for_each(can_see_actor_each.host) r (severity)) = 'suspend'
        then false
        when can_see_actor_each.kind = 'group'
             and not (select s.yes from can_see_group_each(can_see_actor_each.actor_id, readers) s (yes))
        then false
        when can_see_actor_each.for_group_id is not null and (can_see_actor_each.actor_id = any (readers)) is not true
             and not (select s.yes from can_see_group_each(can_see_actor_each.for_group_id, readers) s (yes))
        then false
        else can_see_actor_each.account_id is null or coalesce((
            select c.standing not in ('pending', 'deleted') from accounts c
            where c.id = can_see_actor_each.account_id), true) end
$$;

create or replace function may_see_actor(
    actor_id bigint, kind text, standing text, host text, account_id bigint, for_group_id bigint, readers bigint[]
) returns boolean language plpgsql stable parallel safe cost 5000 as $$
begin
    return (select s.yes from can_see_actor_each(actor_id, kind, standing, host, account_id, for_group_id, readers) s (yes));
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

-- What the organisation chose, as one JSON object from key to text; nothing of what is sealed. domain.house reads it.
create or replace function house_now() returns text language sql stable parallel safe as $$
    select json_object_agg(h.key, h.value)::text from house h where h.value is not null
$$;

-- The mode in force: what the environment of a process says if it says anything, else what was chosen, else nobody.
create or replace function federation_now(override text) returns text language sql stable parallel safe as $$
    select coalesce(override, (select h.value from house h where h.key = 'federation'), 'off')
$$;
