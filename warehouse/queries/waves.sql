-- Which waves are out, and how many answered in each of those on the class lists.
select p.wave_id, r.enrolled_band as listed, r.answered_band as answered, r.value as share
from (select unnest(waves) as wave_id from mart.publication) p
left join mart.response_rate r on r.wave_id = p.wave_id and r.level = 'municipality'
order by p.wave_id
