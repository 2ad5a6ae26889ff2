"""The journal in one SQLite file: an acknowledged event survives a killed process and a power cut.

Write-ahead log with synchronous=FULL; one connection of one coordinator does all commits and all checkpoints,
so that the race between two checkpointing connections in SQLite up to 3.51.2 (https://sqlite.org/wal.html,
"WAL-reset bug") cannot occur. Readers open the file read-only, which rules checkpoints out, and read in short
bites, so that they neither block the writer nor keep the log from being reset. Each opening for writing is an
epoch, and only the latest epoch may append: a coordinator that was thought dead and wakes up is refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from truing.errors import JournalError
from truing.record.curve import Curve, parted
from truing.record.events import Event, decode, decoded
from truing.storage.memory import encoded
from truing.storage.mounts import refuse_network

APPLICATION_ID = 0x5472756E  # "Trun"
VERSION = 1
BITE = 256  # events a reader takes in one statement
BUSY_SECONDS = 30.0
LOG_PAGES = 100  # after which the log goes into the file

EVENT = """CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT UNIQUE,
    time REAL NOT NULL,
    payload TEXT NOT NULL,
    crc INTEGER NOT NULL
)"""
COORDINATOR = """CREATE TABLE coordinator (
    epoch INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    started REAL NOT NULL
)"""
# Every journal holds these two texts as they stand here; a change of either is a new VERSION.
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
{EVENT};
{COORDINATOR};
"""
STATE = "SELECT (SELECT max(epoch) FROM coordinator), (SELECT coalesce(max(seq), 0) FROM event)"
INSERT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
EXTENT = "SELECT coalesce(max(seq), 0), (SELECT count(*) FROM event INDEXED BY sqlite_autoindex_event_1) FROM event"
EXTENT_ONLY = "SELECT coalesce(max(seq), 0), 0 FROM event"
READ = "SELECT seq, kind, key, time, payload, crc FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"


class SqliteJournal:
    """Events in the SQLite file at `path`.

    Args:
        path: the file. Opened for writing it is made, with its folder, when it does not exist.
        readonly: True reads only, also while a coordinator writes; False takes the coordinator's role: an
            earlier coordinator's next append is refused. (`storage.lock` keeps a second coordinator from
            coming this far.)

    Use it in the thread that opened it; a read-only one may be used in any one thread at a time.

    Raises:
        JournalError: there is no such study, the file is damaged or not a Truing journal, a newer Truing
            wrote it, it lies on a network file system (writing only), or the system refuses to read or write
            it.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> journal = SqliteJournal(Path(folder.name) / "journal.db")
    >>> journal.append([Event("proposed", {"trial": 0}, key="proposed 0")])
    1
    >>> journal.append([Event("proposed", {"trial": 0}, key="proposed 0")])
    1
    >>> [event.data for event in journal.read()]
    [{'trial': 0}]
    >>> journal.close()
    >>> folder.cleanup()
    """

    durable = True

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = Path(path)
        self.readonly = readonly
        self.epoch = 0
        self._owner = os.getpid()
        self._broken = ""
        if not readonly:
            refuse_network(self.path)
            _refuse_link(self.path)
            _create(self.path)
        _check_file(self.path)
        with self._told():
            self._connection = self._open_reader() if readonly else self._open_writer()
        self._file = _identity(self.path)

    def append(self, events: Sequence[Event]) -> int:
        """Write `events` in one transaction; the position of the last event, once all of them are durable.

        An event whose non-empty key is there already is left out.

        Raises:
            JournalError: another coordinator took over, or an event is not JSON: nothing was written. Or the
                system failed: with `errno` ENOSPC the disk is full, nothing was written and the same call may
                be tried again; after any other failure the journal takes nothing more and has to be opened
                anew, and keys keep what had reached the disk from counting twice.
        """
        if self.readonly:
            raise JournalError(f"{self.path} was opened for reading: open it for writing to append to it.")
        if self._owner != os.getpid():
            raise JournalError(f"{self.path} was opened by process {self._owner}: only that process may write to it.")
        if self._broken:
            raise JournalError(self._broken)
        if _identity(self.path) != self._file:  # what is written to a removed file is gone with this process
            raise JournalError(f"{self.path} was removed or replaced while it was in use: stop, and put it back.")
        texts = [encoded(event) for event in events]
        with self._told():
            execute = self._connection.execute
            try:
                execute("BEGIN IMMEDIATE")
                epoch, last = execute(STATE).fetchone()
                if epoch != self.epoch:
                    raise self._superseded(epoch)
                for event, text in zip(events, texts, strict=True):
                    row = (last + 1, event.kind, event.key or None, float(event.time), text)
                    last += execute(INSERT, (*row, _checksum(*row))).rowcount
                execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # left by an error or by an interrupt
                    execute("ROLLBACK")
        return int(last)

    def read(self, since: int = 0) -> Iterator[Event]:
        """The events after position `since`, in order, as far as they were there when reading began.

        Raises:
            JournalError: an event is damaged or missing; the message gives its position.
        """
        return self._events(since, sparse=False)

    def read_sparsely(self, since: int = 0) -> Iterator[Event]:
        """As `read`, but the curve of a run, two thirds of what is written, is decoded only when somebody looks at it.

        For folding into a history; what it yields is not to be written again.
        """
        return self._events(since, sparse=True)

    def _events(self, since: int, *, sparse: bool) -> Iterator[Event]:
        rows, wrong = self._rows(self._connection, since), None
        while wrong is None:
            bite: list[tuple[int, str, str | None, float, str]] = []
            try:
                bite.extend(islice(rows, BITE))
            except JournalError as error:  # what came before it is still told
                wrong = error
            if not bite:
                break
            curves: dict[int, Curve] = {}
            texts = [row[-1] for row in bite]
            if sparse:
                for place, row in enumerate(bite):
                    if row[1] == "finished" and (found := parted(texts[place])) is not None:
                        texts[place], curves[place] = found
            together = decoded(texts)
            for place, (seq, kind, key, moment, _) in enumerate(bite):
                try:
                    data = together[place] if together is not None else decode(texts[place])
                except (ValueError, TypeError, RecursionError) as error:
                    raise self._damaged(f"event {seq} is not readable JSON") from error
                if place in curves:
                    data["curve"] = curves[place]
                yield Event(kind, data, key or "", moment, seq)
        if wrong is not None:
            raise wrong

    def _rows(
        self, connection: sqlite3.Connection, since: int = 0
    ) -> Iterator[tuple[int, str, str | None, float, str]]:
        """Position, kind, key, time and text of the events after `since`, each checked."""
        with self._told():
            (upto,) = connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        while since < upto:
            with self._told():
                rows = connection.execute(READ, (since, upto, BITE)).fetchall()
            for row in rows or [(upto + 1, "", None, 0.0, "", 0)]:
                seq, kind, key, moment, payload, crc = row
                if seq != since + 1:
                    raise self._damaged(f"event {since + 1} is missing")
                if crc != _checksum(seq, kind, key, moment, payload):
                    raise self._damaged(f"event {seq} does not match its checksum")
                yield seq, kind, key, moment, payload
                since = seq

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._told():
            self._connection.close()

    # -- opening ---------------------------------------------------------------------------------------------

    def _open_writer(self) -> sqlite3.Connection:
        connection = _connect(self.path, "mode=rw")
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            self._check_identity(connection)
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
            if found != ["ok"]:
                raise self._damaged(found[0].splitlines()[-1])  # the first may only say which database
            for _ in self._rows(connection):  # before anything is written to it
                pass
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise JournalError(
                    f"{self.path} cannot keep a write-ahead log (journal mode {mode}): put the study on a local disk."
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's own cache; nothing elsewhere
            connection.execute(f"PRAGMA journal_size_limit = {16 * 2**20}")
            # A log that starts again early is written over instead of growing: its syncs take half as long or less.
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            connection.execute("BEGIN IMMEDIATE")
            host = socket.gethostname()
            row = (os.getpid(), host, time.time())
            cursor = connection.execute("INSERT INTO coordinator (pid, host, started) VALUES (?, ?, ?)", row)
            self.epoch = int(cursor.lastrowid or 0)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        connection = _connect(self.path, "mode=ro")
        try:
            try:
                self._check_identity(connection)
            except sqlite3.OperationalError as error:
                # Beside the file SQLite wants an index of the log, which a read-only folder does not let it
                # make. With no log there is nothing to index: the file alone is the whole journal.
                log = _beside(self.path, "-wal")
                if _code(error) != sqlite3.SQLITE_CANTOPEN or _size(log) > 0:
                    raise
                connection.close()
                connection = _connect(self.path, "mode=ro&immutable=1")
                self._check_identity(connection)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        identity = connection.execute("PRAGMA application_id").fetchone()[0]
        if identity != APPLICATION_ID:
            raise JournalError(f"{self.path} is not a Truing journal: give the folder of a study, or another folder.")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise JournalError(
                f"{self.path} has format {version}, written by a newer Truing, and this one reads up to "
                f"{VERSION}: "
                "upgrade Truing."
            )
        found = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql NOTNULL").fetchall()
        if {(kind, name) for kind, name, _ in found} != {("table", "event"), ("table", "coordinator")}:
            # a trigger or a view would run with our writes
            names = ", ".join(sorted(f"{kind} {name}" for kind, name, _ in found))
            raise self._damaged(f"it holds {names or 'nothing'} instead of the tables event and coordinator")
        if {text for _, _, text in found} != {EVENT, COORDINATOR}:  # SQLite reads one with an altered column, too
            raise self._damaged("its tables are not those of a Truing journal")

    # -- what went wrong -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except UnicodeEncodeError as error:
            raise JournalError(f"The kind or key of an event is not valid text: {error}.") from error
        except sqlite3.Error as error:
            raise self._sentence(error) from error
        except UnicodeDecodeError as error:  # in SQLite's own words about what it found
            raise self._damaged("a text in it is not UTF-8") from error

    def _sentence(self, error: sqlite3.Error) -> JournalError:
        code = _code(error)
        if isinstance(error, sqlite3.ProgrammingError):
            return JournalError(f"{self.path} cannot be used here: {error}")
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
            return JournalError(f"An event does not fit into {self.path}: {error}.")
        if code == sqlite3.SQLITE_FULL:
            full = JournalError(
                f"The disk is full and {self.path} could not be extended ({error}): free some space and "
                "run the same "
                "command again; everything acknowledged so far is safe."
            )
            full.errno = errno.ENOSPC
            return full
        if code == sqlite3.SQLITE_BUSY:
            return JournalError(
                f"{self.path} stayed locked for {BUSY_SECONDS:.0f} s: close the other program that writes to it."
            )
        no_text = "Could not decode to UTF-8" in str(error)  # Python's own finding, without a number
        # SQLITE_ERROR is what a statement of ours gets where the schema is not what it was
        if no_text or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            broken = self._damaged("a text in it is not UTF-8" if no_text else str(error))
        else:
            broken = JournalError(
                f"{self.path} could not be read or written ({error}): check the disk and the folder's "
                "permissions, "
                "then run the same command again; everything acknowledged so far is in the file."
            )
        self._broken = str(broken)  # after a failed sync nobody knows what is on the disk: only a new opening does
        return broken

    def _damaged(self, what: str) -> JournalError:
        return JournalError(
            f"{self.path} is damaged ({what}): put back a copy of the study's folder, or save what is "
            "readable with "
            f"`sqlite3 {self.path} .recover`; the file was left as it is."
        )

    def _superseded(self, epoch: int) -> JournalError:
        row = self._connection.execute(
            "SELECT pid, host, started FROM coordinator WHERE epoch = ?", (epoch,)
        ).fetchone()
        pid, host, started = row or (0, "an unknown host", 0.0)
        since = datetime.fromtimestamp(started).isoformat(sep=" ", timespec="seconds")
        return JournalError(
            f"Another coordinator took over {self.path}: process {pid} on {host} since {since}; this one "
            "writes nothing "
            "more and should be stopped."
        )


def _checksum(seq: int, kind: str, key: str | None, moment: float, payload: str) -> int:
    return zlib.crc32(f"{seq}\0{kind}\0{key or ''}\0{moment!r}\0{payload}".encode("utf-8", "surrogatepass"))


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for what Python itself found."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _connect(path: Path, query: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?{query}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread="mode=ro" not in query,
    )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)


def _refuse_link(path: Path) -> None:
    """The lock is of this folder: a journal in another one could have a second coordinator."""
    if path.is_symlink():
        raise JournalError(
            f"{path} is a symbolic link to {path.readlink()}: a study's journal lies in its own folder; give the "
            "folder it is in, or another folder."
        )


def _check_file(path: Path) -> None:
    """Refuse what SQLite would pass over: an empty file is an empty database to it, a cut page has zeros."""
    try:
        with path.open("rb") as file:
            start = file.read(18)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise JournalError(
            f"{path.parent} holds no study: there is no {path.name} in it; give the folder of a study."
        ) from None
    except OSError as error:
        raise JournalError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
    if not start.startswith(b"SQLite format 3\0") or len(start) < 18:
        raise JournalError(
            f"{path} is not a Truing journal or is damaged at its start: put back a copy of the study's "
            "folder, or use another folder; the file was left as it is."
        )
    page = int.from_bytes(start[16:], "big")
    page = 65536 if page == 1 else page
    if size % max(page, 1) and not _size(_beside(path, "-wal")):  # with a log, the log has the whole page
        raise JournalError(
            f"{path} is damaged (it ends within a page): put back a copy of the study's folder; the file was "
            "left as it is."
        )


def _create(path: Path) -> None:
    """Make the journal when there is none: whole under another name first, so that nobody sees a half."""
    if path.exists():
        return
    if _size(_beside(path, "-wal")):
        raise JournalError(
            f"{path} is gone but its log {path.name}-wal is still there: put {path.name} back, or remove "
            "the folder to "
            "begin anew."
        )
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.executescript(f"PRAGMA synchronous = FULL; BEGIN; {SCHEMA} COMMIT;")
        try:
            os.link(new, path)  # unlike a rename this never replaces the journal of somebody who was quicker
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            new.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(
            f"{path} cannot be made ({error}): make room, or choose a folder on a disk that has some and can be "
            "written to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
