-- The words of posts are kept for searching, stemmed in the language of each post, beside the posts and not in them.
-- depends: 0015_lists_by_their_own_indexes

-- migrate: apply

-- A reply moves the first post of its conversation in the lists, which would write its words anew if they stood there.
-- `findable` says that its author let it be found when it came.
create table post_words (
    post_id bigint primary key,
    author_id bigint not null,
    group_id bigint,
    findable boolean not null,
    words tsvector not null
);

-- Found by its name, which the database keeps at hand; a release of PostgreSQL that lacks one has `simple`.
create function words_language(language text) returns regconfig language plpgsql stable parallel safe as $$
begin
    return ('pg_catalog.' || coalesce(case split_part(lower(language), '-', 1)
        when 'ar' then 'arabic' when 'ca' then 'catalan' when 'da' then 'danish' when 'de' then 'german'
        when 'el' then 'greek' when 'en' then 'english' when 'es' then 'spanish' when 'et' then 'estonian'
        when 'eu' then 'basque' when 'fi' then 'finnish' when 'fr' then 'french' when 'ga' then 'irish'
        when 'hi' then 'hindi' when 'hu' then 'hungarian' when 'hy' then 'armenian' when 'id' then 'indonesian'
        when 'it' then 'italian' when 'lt' then 'lithuanian' when 'nb' then 'norwegian' when 'ne' then 'nepali'
        when 'nl' then 'dutch' when 'nn' then 'norwegian' when 'no' then 'norwegian' when 'pt' then 'portuguese'
        when 'ro' then 'romanian' when 'ru' then 'russian' when 'sr' then 'serbian' when 'sv' then 'swedish'
        when 'ta' then 'tamil' when 'tr' then 'turkish' when 'yi' then 'yiddish' end, 'simple'))::regconfig;
exception when undefined_object then
    return 'pg_catalog.simple';
end $$;

-- Beside the words stand marks that no text can hold, because each begins with a space: the author, the group, whether
-- it is `findable`, and the stretch of about a week, two months and a year in which the post came.
create function words_of(p posts, findable boolean) returns tsvector language plpgsql stable parallel safe as $$
begin
    return to_tsvector(words_language(p.language), left(p.title || ' ' || p.body_text, 100000))
        || array_to_tsvector(array_remove(
            array[' a' || p.author_id, ' g' || p.group_id, case when findable then ' i' end, ' t' || (p.id >> 49),
                  ' u' || (p.id >> 52), ' v' || (p.id >> 55)], null));
end $$;

create function keep_words_of_new() returns trigger language plpgsql as $$
begin
    insert into post_words (post_id, author_id, group_id, findable, words)
    select p.id, p.author_id, p.group_id, a.indexable, words_of(p, a.indexable)
    from fresh f join posts p on p.id = f.id join actors a on a.id = p.author_id
    where p.standing not in ('removed', 'deleted')
    on conflict do nothing;
    return null;
end $$;
create trigger posts_keep_words after insert on posts referencing new table as fresh
    for each statement execute function keep_words_of_new();

-- What is deleted is nowhere any more, and what was taken out is found by nobody until it is shown again.
create function keep_words_of_changed() returns trigger language plpgsql as $$
begin
    if new.standing in ('removed', 'deleted') then
        delete from post_words where post_id = new.id;
    else
        insert into post_words (post_id, author_id, group_id, findable, words)
        select new.id, new.author_id, new.group_id, a.indexable, words_of(new, a.indexable)
        from actors a where a.id = new.author_id
        on conflict (post_id) do update set
            group_id = new.group_id,
            words = words_of(new, post_words.findable);
    end if;
    return null;
end $$;
create trigger posts_keep_changed_words after update of title, body_text, language, standing, group_id on posts
    for each row when (old.title is distinct from new.title or old.body_text is distinct from new.body_text
        or old.language is distinct from new.language or old.group_id is distinct from new.group_id
        or (old.standing in ('removed', 'deleted')) <> (new.standing in ('removed', 'deleted')))
    execute function keep_words_of_changed();

-- migrate: rollback
