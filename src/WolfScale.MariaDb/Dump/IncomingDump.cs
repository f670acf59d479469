using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WolfScale.MariaDb.Dump;

/// <summary>Reads a dump, or a physical copy, from a stream and tells whether it was whole. What could be the last line is held back until more has come.</summary>
/// <param name="endPrefix">How the last line begins.</param>
/// <param name="longestEnd">No last line is longer.</param>
internal sealed class IncomingDump(string endPrefix = DumpFormat.EndPrefix, int longestEnd = DumpFormat.LongestEnd) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _held = new byte[longestEnd];
    private int _heldBytes;

    /// <summary>What the last line says after length and hash, which cover it.</summary>
    public string Says { get; private set; } = "";

    /// <summary>Bytes passed on so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Copies the dump to <paramref name="target"/>, without its last line, and returns when it has ended whole.</summary>
    /// <exception cref="DumpException">It broke off, or is not what the source wrote.</exception>
    public async Task CopyAsync(Stream source, Stream target, Action<long> progress, CancellationToken cancellationToken)
    {
        var buffer = new byte[longestEnd + (256 << 10)];
        while (true)
        {
            _held.AsSpan(0, _heldBytes).CopyTo(buffer);
            var read = await source.ReadAsync(buffer.AsMemory(_heldBytes), cancellationToken);
            if (read == 0)
                break;
            var all = _heldBytes + read;
            var pass = Math.Max(0, all - longestEnd);
            await PassAsync(buffer.AsMemory(0, pass), target, cancellationToken);
            _heldBytes = all - pass;
            buffer.AsSpan(pass, _heldBytes).CopyTo(_held);
            progress(Bytes);
        }

        var end = _held.AsSpan(0, _heldBytes).LastIndexOf(Encoding.UTF8.GetBytes(endPrefix));
        if (end < 0)
            throw Broken();
        await PassAsync(_held.AsMemory(0, end), target, cancellationToken);
        progress(Bytes);
        // Of a longer last line all must have come, to its line feed.
        var last = Encoding.UTF8.GetString(_held.AsSpan(end, _heldBytes - end));
        var length = DumpFormat.End(endPrefix, Bytes, new byte[SHA256.HashSizeInBytes]).Length;
        if (last.Length <= length)
            throw Broken();
        Says = last[length..].TrimEnd('\n');
        _hash.AppendData(Encoding.UTF8.GetBytes(Says));
        if (last != $"{DumpFormat.End(endPrefix, Bytes, _hash.GetHashAndReset())}{Says}\n")
            throw Broken();
    }

    public void Dispose() => _hash.Dispose();

    private async Task PassAsync(ReadOnlyMemory<byte> bytes, Stream target, CancellationToken cancellationToken)
    {
        if (bytes.IsEmpty)
            return;
        _hash.AppendData(bytes.Span);
        Bytes += bytes.Length;
        await target.WriteAsync(bytes, cancellationToken);
    }

    private DumpException Broken() =>
        new(string.Create(CultureInfo.InvariantCulture, $"the stream ended after {Bytes} bytes without the line that ends a whole dump"));
}
