"""Tells a recipient by mail that a report waits: not of whom, from where, or how much."""

from email.message import EmailMessage

from flows.delivery.error import DeliveryError
from flows.delivery.parcel import sealed_files
from flows.home import Home
from flows.mail import MailError, send
from reports.texts import Texts, read_texts
from schemas.settings import Settings
from schemas.settings_mail import Mail
from warehouse.report_deliveries import Parcel


def mail_parcel(
    settings: Settings, home: Home, parcel: Parcel, *, address: str, recipient: str
) -> None:
    """Hand the message to the mail server; DeliveryError where it does not take it."""
    if settings.mail is None or settings.delivery is None or settings.delivery.mail is None:
        raise DeliveryError("no mail server is named in [mail]")
    message = letter(settings, parcel, settings.mail, address=address, recipient=recipient)
    if settings.delivery.mail.attach:
        for name, place in sealed_files(home, parcel):
            message.add_attachment(
                place.read_bytes(), maintype="application", subtype="octet-stream", filename=name
            )
    try:
        send(settings.mail, message)
    except MailError as error:
        raise DeliveryError(str(error)) from None


def letter(
    settings: Settings, parcel: Parcel, mail: Mail, *, address: str, recipient: str
) -> EmailMessage:
    """The message, in each of the municipality's languages.

    The same report for the same person has the same id, so a mail program shows one that was sent
    twice, by a run that was killed in between, once.
    """
    attach = bool(settings.delivery and settings.delivery.mail and settings.delivery.mail.attach)
    texts = [read_texts(language, "letters") for language in settings.languages]
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = texts[0].say("letter.subject")
    message["Message-ID"] = f"<{parcel.version}.{recipient}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n----\n\n".join(_body(one, parcel.version, attach) for one in texts))
    return message


def _body(texts: Texts, reference: str, attach: bool) -> str:  # noqa: FBT001 - two forms of a letter
    say = texts.say
    return "\n\n".join(
        (
            say("letter.waits", reference=reference),
            say("letter.attached" if attach else "letter.collect"),
            f"{say('letter.open')}\n    {say('letter.command')}",
            f"{say('letter.replaces')}\n{say('letter.forward')}",
            say("letter.emergency"),
        )
    )
