using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.Ctl.Wal;

/// <summary>
/// Writes the whole groups of a log as a binlog file that <c>mariadb-binlog</c> reads: magic number, FORMAT_DESCRIPTION, and the events as MariaDB wrote them but
/// for <c>log_pos</c> and with it the checksum. A group that turns out to be void (rule C7) or unfinished is cut off again: nobody may apply half a transaction.
/// </summary>
internal sealed class BinlogFile : IDisposable
{
    /// <summary>What <c>mariadb-binlog</c> takes the file to be of; how events are laid out is the same from 10.2 on.</summary>
    private const string ServerVersion = "10.11.0-MariaDB-wolfscale";

    private readonly FileStream _stream;
    private readonly string _path;
    private readonly string _temporary;
    private readonly byte[] _header = new byte[EventHeader.Size];
    private readonly StreamingChecksum _checksum = new();
    private EntryKey? _open;
    private long _groupStart;
    private long _position; // in the file, which is where log_pos comes from
    private int _headerLength;
    private long _remaining;

    private BinlogFile(string path)
    {
        _path = path;
        _temporary = path + ".part";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 1 << 20 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _stream = new FileStream(_temporary, options);
        Put([0xFE, (byte)'b', (byte)'i', (byte)'n']);
        const uint end = 4 + FormatDescriptionEvent.BuiltLength;
        Put(new FormatDescriptionEvent(ServerVersion, 0, ChecksumAlgorithm.Crc32).Build(1, end));
    }

    /// <summary>Whole groups in the file.</summary>
    public long Groups { get; private set; }

    /// <summary>Groups that began and were cut off again, because something else followed them (rule C7).</summary>
    public long Void { get; private set; }

    public EntryKey First { get; private set; }

    public EntryKey Last { get; private set; }

    public long Bytes => _position;

    /// <summary>Begins a file, readable by its owner alone: it holds the cluster's data.</summary>
    /// <exception cref="IOException">It is there already, or cannot be written.</exception>
    public static BinlogFile Create(string path) => File.Exists(path) ? throw new IOException($"{path} exists already") : new BinlogFile(path);

    /// <summary>Takes the log's next entry.</summary>
    /// <exception cref="ProtocolException">It is not what a capture wrote.</exception>
    public void Take(in WalEntry entry)
    {
        if (entry.Kind == EntryKind.Configuration)
            return; // interrupts nothing, as in the log itself
        var begins = entry.Kind == EntryKind.Group && (entry.Flags & EntryFlags.First) != 0;
        if (_open is { } open && (begins || entry.Kind != EntryKind.Group || entry.Key != open))
        {
            Abandon();
            Void++;
        }

        if (begins)
            Begin(entry.Key);
        if (_open is null)
            return; // a no-op, or a piece whose beginning is not here
        Write(entry.Payload.Span);
        if ((entry.Flags & EntryFlags.Last) != 0)
            End();
    }

    /// <summary>Ends the file under its name. A group that has not ended is left out.</summary>
    public void Finish()
    {
        if (_open is not null)
            Abandon();
        _stream.Dispose();
        File.Move(_temporary, _path);
    }

    public void Dispose()
    {
        _stream.Dispose();
        File.Delete(_temporary); // left only when it was not finished
    }

    private void Begin(EntryKey key)
    {
        _open = key;
        _groupStart = _position;
    }

    private void End()
    {
        if (_headerLength > 0 || _remaining > 0)
            throw new ProtocolException($"The group {Text(_open!.Value)} ends in the middle of an event.");
        First = Groups == 0 ? _open!.Value : First;
        Last = _open!.Value;
        Groups++;
        _open = null;
    }

    private void Abandon()
    {
        _stream.Flush();
        _stream.SetLength(_groupStart);
        _stream.Position = _groupStart;
        (_position, _open, _headerLength, _remaining) = (_groupStart, null, 0, 0);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = _remaining == 0 ? WriteHeader(bytes) : WriteBody(bytes);
    }

    private ReadOnlySpan<byte> WriteHeader(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(bytes.Length, EventHeader.Size - _headerLength);
        bytes[..taken].CopyTo(_header.AsSpan(_headerLength));
        _headerLength += taken;
        if (_headerLength < EventHeader.Size)
            return bytes[taken..];
        long length = EventHeader.Read(_header).EventLength;
        if (length < EventHeader.Size + EventChecksum.Size)
            throw new ProtocolException($"The group {Text(_open!.Value)} holds an event of {length} bytes, which is shorter than an event can be.");
        BinaryPrimitives.WriteUInt32LittleEndian(_header.AsSpan(EventHeader.LogPositionOffset), unchecked((uint)(_position + length))); // modulo 2^32, as MariaDB does
        _checksum.Start(length);
        _ = _checksum.Append(_header);
        Put(_header);
        _headerLength = 0;
        _remaining = length - EventHeader.Size;
        return bytes[taken..];
    }

    private ReadOnlySpan<byte> WriteBody(ReadOnlySpan<byte> bytes)
    {
        var taken = (int)Math.Min(bytes.Length, _remaining);
        var content = _checksum.Append(bytes[..taken]);
        Put(bytes[..content]);
        _remaining -= taken;
        if (_remaining == 0)
        {
            // The old checksum was left out; this is the one of the event as it is now.
            Span<byte> tail = stackalloc byte[EventChecksum.Size];
            BinaryPrimitives.WriteUInt32LittleEndian(tail, _checksum.Value);
            Put(tail);
        }

        return bytes[taken..];
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        _position += bytes.Length;
    }

    private static string Text(EntryKey key) => new Gtid(key.Domain, key.ServerId, key.Sequence).ToString();
}
