using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WolfScale.MariaDb.Dump;

/// <summary>Reads a dump from a stream and tells whether it was whole. What could be the last line is held back until more has come.</summary>
internal sealed class IncomingDump : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _held = new byte[DumpFormat.LongestEnd];
    private int _heldBytes;

    /// <summary>Bytes passed on so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Copies the dump to <paramref name="target"/>, without its last line, and returns when it has ended whole.</summary>
    /// <exception cref="DumpException">It broke off, or is not what the source wrote.</exception>
    public async Task CopyAsync(Stream source, Stream target, Action<long> progress, CancellationToken cancellationToken)
    {
        var buffer = new byte[DumpFormat.LongestEnd + (256 << 10)];
        while (true)
        {
            _held.AsSpan(0, _heldBytes).CopyTo(buffer);
            var read = await source.ReadAsync(buffer.AsMemory(_heldBytes), cancellationToken);
            if (read == 0)
                break;
            var all = _heldBytes + read;
            var pass = Math.Max(0, all - DumpFormat.LongestEnd);
            await PassAsync(buffer.AsMemory(0, pass), target, cancellationToken);
            _heldBytes = all - pass;
            buffer.AsSpan(pass, _heldBytes).CopyTo(_held);
            progress(Bytes);
        }

        var end = _held.AsSpan(0, _heldBytes).LastIndexOf(Encoding.UTF8.GetBytes(DumpFormat.EndPrefix));
        if (end < 0)
            throw Broken();
        await PassAsync(_held.AsMemory(0, end), target, cancellationToken);
        progress(Bytes);
        if (!_held.AsSpan(end, _heldBytes - end).SequenceEqual(DumpFormat.End(Bytes, _hash.GetHashAndReset())))
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
