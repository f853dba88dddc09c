-- Words of new posts are made from the rows a statement stored, which are not looked for among all posts again.
-- depends: 0034_kinds_posts_were_written_under

-- migrate: apply

create or replace function keep_words_of_new() returns trigger language plpgsql as $$
begin
    insert into post_words (post_id, author_id, group_id, findable, words)
    select f.id, f.author_id, f.group_id, a.indexable, words_of(row(f.*)::posts, a.indexable)
    from fresh f join actors a on a.id = f.author_id
    where f.standing not in ('removed', 'deleted')
    on conflict do nothing;
    return null;
end $$;

-- migrate: rollback
