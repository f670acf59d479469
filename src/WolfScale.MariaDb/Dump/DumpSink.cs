using System.Security.Cryptography;

namespace WolfScale.MariaDb.Dump;

/// <summary>Where a dump is written to: counts and hashes what passes, so that the last line can tell. Blocks while the receiver is slow.</summary>
internal sealed class DumpSink(Stream target) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _bytes;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        _bytes += bytes.Length;
        target.Write(bytes);
    }

    /// <summary>The last line: everything before it was written without an error.</summary>
    public void End()
    {
        target.Write(DumpFormat.End(_bytes, _hash.GetHashAndReset()));
        target.Flush();
    }

    public void Dispose() => _hash.Dispose();
}
