"""Mail: hands messages to the municipality's mail server, and to nobody else."""

from flows.mail.send import MailError as MailError
from flows.mail.send import send as send
