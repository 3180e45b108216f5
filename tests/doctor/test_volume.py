"""What can be seen of a volume, on invented machines."""

from pathlib import Path

import pytest

from flows.doctor.volume import Volume, volume_below


class Machine:
    """A /sys/dev/block and a mountinfo of its own."""

    def __init__(self, root: Path) -> None:
        self.devices, self.mounts, self.lines = root / "block", root / "mountinfo", list[str]()
        self.devices.mkdir()

    def device(self, number: str, *, uuid: str | None = None, on: tuple[str, ...] = ()) -> None:
        place = self.devices / number
        (place / "slaves").mkdir(parents=True)
        if uuid is not None:
            (place / "dm").mkdir()
            (place / "dm" / "uuid").write_text(uuid + "\n")
        for name in on:
            (place / "slaves" / name.replace(":", "_")).symlink_to(self.devices / name)

    def mount(self, point: str, number: str, kind: str = "ext4") -> None:
        place = point.replace(" ", "\\040")
        self.lines.append(f"1 2 {number} / {place} rw shared:1 - {kind} /dev/x rw")

    def seen(self, folder: str) -> Volume:
        self.mounts.write_text("\n".join(self.lines) + "\n")
        return volume_below(Path(folder), mounts=self.mounts, devices=self.devices)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.device("8:1")
    made.device("8:2")
    made.device("253:0", uuid="CRYPT-LUKS2-0a1b-home", on=("8:1",))
    made.mount("/", "8:1")
    return made


def test_luks_is_seen(machine):
    machine.mount("/srv", "253:0")
    assert machine.seen("/srv/home/restricted") is Volume.ENCRYPTED


def test_lvm_on_luks_is_seen(machine):
    machine.device("253:1", uuid="LVM-abc", on=("253:0",))
    machine.mount("/srv", "253:1")
    assert machine.seen("/srv/home") is Volume.ENCRYPTED


def test_mirror_of_which_one_half_is_plain_is_plain(machine):
    machine.device("9:0", on=("253:0", "8:2"))
    machine.mount("/srv", "9:0")
    assert machine.seen("/srv/home") is Volume.PLAIN


def test_lvm_on_a_plain_disk_is_plain(machine):
    machine.device("253:1", uuid="LVM-CRYPT-not-really", on=("8:2",))
    machine.mount("/srv", "253:1")
    assert machine.seen("/srv/home") is Volume.PLAIN


def test_encrypted_root_says_nothing_of_a_plain_disk_mounted_below_it(machine):
    machine.lines.clear()
    machine.mount("/", "253:0")
    machine.mount("/srv", "8:2")
    assert machine.seen("/srv/home") is Volume.PLAIN
    assert machine.seen("/srvx") is Volume.ENCRYPTED


def test_mount_that_hides_an_earlier_one_counts(machine):
    machine.mount("/srv", "253:0")
    machine.mount("/srv", "8:2")
    assert machine.seen("/srv") is Volume.PLAIN


def test_folder_with_a_blank_in_its_name_is_found(machine):
    machine.mount("/srv/klasse puls", "253:0")
    assert machine.seen("/srv/klasse puls/home") is Volume.ENCRYPTED


@pytest.mark.parametrize("kind", ["ecryptfs", "fuse.gocryptfs"])
def test_file_system_that_encrypts_is_seen(machine, kind):
    machine.mount("/srv", "0:50", kind)
    assert machine.seen("/srv/home") is Volume.ENCRYPTED


@pytest.mark.parametrize("kind", ["nfs4", "overlay", "zfs"])
def test_what_is_no_disk_of_this_machine_cannot_be_seen(machine, kind):
    machine.mount("/srv", "0:51", kind)
    assert machine.seen("/srv/home") is Volume.UNSEEN


def test_machine_without_a_list_of_mounts_cannot_say(tmp_path):
    assert volume_below(tmp_path, mounts=tmp_path / "none") is Volume.UNSEEN
