using Microsoft.Win32.SafeHandles;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Where an event stands in a tail's file.</summary>
internal readonly record struct EventPlace(long Offset, int Length);

/// <summary>Reads a tail's file back.</summary>
internal sealed class TailReader : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;

    /// <exception cref="IOException">The file is not there.</exception>
    public TailReader(string path)
    {
        _path = path;
        _file = File.OpenHandle(path);
    }

    /// <summary>The whole event at that place.</summary>
    /// <exception cref="ProtocolException">The file has changed since it was scanned.</exception>
    public byte[] Read(EventPlace place)
    {
        var bytes = new byte[place.Length];
        if (Posix.Read(_file, bytes, place.Offset, _path) != bytes.Length || EventHeader.Read(bytes).EventLength != (uint)bytes.Length)
            throw new ProtocolException($"{_path} does not hold an event of {place.Length} bytes at offset {place.Offset}.");
        return bytes;
    }

    /// <summary>Looks through all events. Of an event longer than <paramref name="maxEventBytes"/> only the beginning is read.</summary>
    /// <exception cref="ProtocolException">Not a binlog file, or it is cut off.</exception>
    public TailScan Scan(int maxEventBytes)
    {
        var scan = new TailScan(maxEventBytes);
        var magic = new byte[TailFile.Magic.Length];
        if (Posix.Read(_file, magic, 0, _path) != magic.Length || !TailFile.Magic.SequenceEqual(magic))
            throw new ProtocolException($"{_path} is not a binlog file.");
        var length = RandomAccess.GetLength(_file);
        var header = new byte[EventHeader.Size];
        for (long offset = magic.Length; offset < length;)
        {
            if (Posix.Read(_file, header, offset, _path) != header.Length)
                throw new ProtocolException($"{_path} ends within an event at offset {offset}.");
            var parsed = EventHeader.Read(header);
            if (parsed.EventLength > length - offset)
                throw new ProtocolException($"{_path} ends within an event at offset {offset}.");
            var take = (int)Math.Min(parsed.EventLength, Math.Max(maxEventBytes, GroupTracker.MaxCommitEventBytes));
            var bytes = new byte[take];
            if (Posix.Read(_file, bytes, offset, _path) != take)
                throw new ProtocolException($"{_path} ends within an event at offset {offset}.");
            scan.Take(new TailEvent(parsed, bytes), offset);
            offset += parsed.EventLength;
        }

        return scan;
    }

    public void Dispose() => _file.Dispose();
}
