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

-- The severity in force for a host: the rule with the longest domain wins; null without a rule.
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
    select severity into found from domain_rules where domain = any (names) order by length(domain) desc limit 1;
    return found;
end $$;

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
-- policy.may.may_read is the same rule in Python; a test holds the two equal.
create or replace function can_see(p posts, viewer bigint) returns boolean language sql stable cost 10000 as $$
    select (p.standing = 'visible'
            -- What came in under a limit is for everybody again once neither its server nor its author is limited.
            or (p.standing = 'limited' and (viewer is not null or (
                (p.host is null or rule_for(p.host) is distinct from 'limit')
                and not exists (select 1 from actors a where a.id = p.author_id and a.standing = 'limited'))))
            or (p.standing = 'held' and p.author_id is not distinct from viewer))
       and (p.host is null or rule_for(p.host) is distinct from 'suspend')
       and not exists (select 1 from actors a where a.id = p.author_id and a.standing in ('suspended', 'deleted'))
       and (p.author_id is not distinct from viewer
            or (case p.audience
                  when 'public' then true
                  when 'unlisted' then true
                  when 'group' then p.group_id is not null
                  when 'followers' then exists (
                      select 1 from follows f
                      where f.follower_id = viewer and f.target_id = p.author_id and f.standing = 'accepted')
                  else exists (select 1 from mentions m where m.post_id = p.id and m.actor_id = viewer)
                end
                and (p.group_id is null or can_see_group(p.group_id, viewer))))
$$;

-- May this viewer still read what a moderator took out, or did not let appear? Only its author, here, and only on
-- pages that say what happened: no list, app or server asks this, and `can_see` answers no. Whether its group is still
-- open to them does not matter, because nobody loses their own words. policy.may.may_reread is the same in Python.
create or replace function can_reread(p posts, viewer bigint) returns boolean language sql stable cost 1000 as $$
    select p.standing = 'removed'
       and exists (
           select 1 from actors a
           where a.id = viewer and a.id = p.author_id and a.account_id is not null
             and a.standing not in ('suspended', 'deleted'))
$$;

-- May this viewer read what is in this group?
create or replace function can_see_group(g bigint, viewer bigint) returns boolean language sql stable cost 2000 as $$
    select exists (
        select 1 from groups r
        where r.actor_id = g
          and case r.kind
                when 'open' then true
                when 'home-open' then exists (
                    select 1 from actors v where v.id = viewer and v.account_id is not null)
                else exists (
                    select 1 from follows f
                    where f.follower_id = viewer and f.target_id = g and f.standing = 'accepted')
              end)
$$;

-- May a peer that signed as `peer_host` fetch this post? Only what is public in an open group or on a profile.
create or replace function can_fetch(p posts, peer_host text) returns boolean language sql stable cost 5000 as $$
    select p.standing in ('visible', 'limited')
       and p.host is null
       and p.audience in ('public', 'unlisted')
       and (p.group_id is null
            or exists (select 1 from groups r where r.actor_id = p.group_id and r.kind = 'open'))
       and (peer_host is null or rule_for(peer_host) is distinct from 'suspend')
$$;

-- Is the worker process that took a lane still connected? Each holds a session lock under its number.
create or replace function worker_lives(number int) returns boolean language sql volatile as $$
    select number is not null and exists (
        select 1 from pg_locks where locktype = 'advisory' and classid = 7042 and objid = number::oid and granted)
$$;

-- Is this person or group there for this viewer? A closed group, and a person made for one, only for those who read it;
-- the suspended, the deleted, those not yet let in, and everybody on a suspended server for nobody.
create or replace function can_see_actor(a actors, viewer bigint) returns boolean language sql stable cost 5000 as $$
    select a.kind in ('person', 'group', 'service')
       and a.standing in ('visible', 'limited')
       and (a.host is null or rule_for(a.host) is distinct from 'suspend')
       and (a.kind <> 'group' or can_see_group(a.id, viewer))
       and (a.for_group_id is null or a.id = viewer or can_see_group(a.for_group_id, viewer))
       and not exists (
           select 1 from accounts c where c.id = a.account_id and c.standing in ('pending', 'deleted'))
$$;
