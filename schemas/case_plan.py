"""The written plan of a case: the five fields that the Education Act, section 12-4, asks for."""

from pydantic import Field, field_validator

from schemas.declared import Declared

LONGEST = 2000


class CasePlan(Declared):
    """A file with five texts. Roles and codes, no names: the archive's document has those."""

    problem: str = Field(min_length=3, max_length=LONGEST)
    measures: str = Field(min_length=3, max_length=LONGEST)
    carried_out_when: str = Field(min_length=1, max_length=LONGEST)
    carried_out_by: str = Field(min_length=1, max_length=LONGEST)
    evaluated_when: str = Field(min_length=1, max_length=LONGEST)

    @field_validator("*")
    @classmethod
    def _is_plain_text(cls, text: str) -> str:
        """A control sign could lead a terminal astray; line ends may stay."""
        if any(not sign.isprintable() and sign != "\n" for sign in text):
            raise ValueError("plain text, with no signs but letters, digits, marks and line ends")
        return text.strip()
