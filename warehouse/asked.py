"""How many pupils of each class a wave asked: a class of grades 5 and 6 where only 6 was asked.

The grades that a wave asked are those that anybody answered in. Where all of a class's grades are
among them, or the class has one grade, everybody on its list was asked. Else those are counted
whose own grade is among them; a list that has not the pupils' grades cannot tell, and then
`enrolled` is null, as where no list has come: too large a number would switch off the class's
flags, and publish a response rate that nobody had.
"""

ASKED_CLASS_SQL = """
    with asked as (
        select wave_id, list(distinct grade) as grades from core.response group by wave_id
    ),
    mixed as (
        select distinct school_id, school_year, class_group
        from core.listed_class where len(grades) > 1
    ),
    pupils as (
        select wave_id, e.school_id, e.class_group,
            count(distinct e.person) filter (e.grade is null)::integer as of_no_grade,
            count(distinct e.person) filter (list_contains(a.grades, e.grade))::integer as asked
        from core.enrolment e semi join mixed using (school_id, school_year, class_group)
            join core.class_list_of_wave f using (school_id, school_year)
            join asked a using (wave_id)
        where e.listed_by <= f.delivery_no and coalesce(e.unlisted_by > f.delivery_no, true)
            and coalesce(e.enrolled_on <= f.opens, true) and coalesce(e.left_on >= f.opens, true)
        group by all
    )
    select c.wave_id, c.school_id, c.class_group, c.grade, c.grades,
        case
            when len(c.grades) = 1 or a.grades is null or list_has_all(a.grades, c.grades)
                or not list_has_any(a.grades, c.grades) then c.enrolled
            when p.of_no_grade = 0 then nullif(p.asked, 0)
        end as enrolled
    from core.class_in_wave c
        left join asked a using (wave_id)
        left join pupils p using (wave_id, school_id, class_group)
"""
