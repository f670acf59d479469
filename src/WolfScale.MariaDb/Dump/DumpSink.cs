using System.Security.Cryptography;
using System.Text;

namespace WolfScale.MariaDb.Dump;

/// <summary>Where a dump is written to: counts and hashes what passes, so that the last line can tell. Blocks while the receiver is slow.</summary>
/// <param name="target">Its receiver.</param>
/// <param name="pace">Told how many bytes were written; blocks until more may be. Null for no limit.</param>
internal sealed class DumpSink(Stream target, Action<long>? pace = null) : IDisposable
{
    /// <summary>
    /// So much is written at a time, and then the pace says how long to wait: even steps rather than bursts. A commit that meets a piece waits for all of it: with 64 KiB the p95 of the leader's
    /// commits grew by half, with 16 KiB by a tenth, at the same rate (docs/performance.md, "Rebuilding a node").
    /// </summary>
    public const int PieceBytes = 16 << 10;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _bytes;
    private long _unpaced;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, PieceBytes)];
            bytes = bytes[piece.Length..];
            _hash.AppendData(piece);
            _bytes += piece.Length;
            target.Write(piece);
            _unpaced += piece.Length;
            if (pace is null || _unpaced < PieceBytes)
                continue;
            pace(_unpaced);
            _unpaced = 0;
        }
    }

    /// <summary>The last line: everything before it was written without an error.</summary>
    /// <param name="prefix">How it begins.</param>
    /// <param name="more">What it says besides; the hash covers it.</param>
    public void End(string prefix = DumpFormat.EndPrefix, string more = "")
    {
        _hash.AppendData(Encoding.UTF8.GetBytes(more));
        target.Write(Encoding.UTF8.GetBytes($"{DumpFormat.End(prefix, _bytes, _hash.GetHashAndReset())}{more}\n"));
        target.Flush();
    }

    public void Dispose() => _hash.Dispose();
}
