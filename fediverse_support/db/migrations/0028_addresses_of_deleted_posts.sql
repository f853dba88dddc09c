-- The address of a deleted post goes as its words do: many servers make it of the title.
-- depends: 0027_why_it_is_paused

-- migrate: apply

update posts set url = null, context_uri = case when host is null then context_uri end, language = 'und',
    sensitive = false
where standing = 'deleted'
  and (url is not null or language <> 'und' or sensitive or host is not null and context_uri is not null);

-- migrate: rollback
