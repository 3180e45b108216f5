"""The page of reason codes."""

from reports.reference.markdown import code, page, table
from schemas.reason import reason_texts


def reasons_page() -> str:
    """Every reason code, whether it is about a file or a row, and its text in three languages."""
    rows = [
        (code(reason.value), text.level, text.en, text.nb, text.nn)
        for reason, text in reason_texts().items()
    ]
    return page(
        "Reason codes",
        "Why a file or a row did not become answers. A code is stored, so it is never renamed and"
        " never used for something else. What to do about them stands in"
        " [deal with quarantine](../how-to/deal-with-quarantine.md).",
        table(("code", "about a", "en", "nb", "nn"), rows),
    )
