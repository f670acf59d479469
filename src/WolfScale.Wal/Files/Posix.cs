using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WolfScale.Wal;

/// <summary>
/// The system calls on which durability rests, with their results checked, because .NET's own flushes hide errors (measured: neither
/// <c>FileStream.Flush(true)</c> nor <c>RandomAccess.FlushToDisk</c> reports EIO, ENOSPC or EDQUOT).
/// </summary>
public static class Posix
{
    /// <summary>fsync(2): data and metadata of the file are on the disk when it returns.</summary>
    /// <exception cref="PosixException">It failed: what the disk holds is unknown, and a second call may claim success. Stop trusting the file.</exception>
    public static void Fsync(SafeFileHandle file, string path) => throw new NotImplementedException();

    /// <summary>fdatasync(2): the data, and what is needed to read it back, are on the disk when it returns.</summary>
    /// <exception cref="PosixException">As for <see cref="Fsync"/>.</exception>
    public static void Fdatasync(SafeFileHandle file, string path) => throw new NotImplementedException();

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    /// <exception cref="PosixException">The folder cannot be opened or synced.</exception>
    public static void FsyncDirectory(string path) => throw new NotImplementedException();

    /// <summary>pwrite(2) until all of <paramref name="data"/> is written; interrupted calls are repeated.</summary>
    /// <exception cref="PosixException">It failed; a part may have been written.</exception>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> data, long offset, string path) => throw new NotImplementedException();

    /// <summary>pread(2) until the buffer is full or the file ends; returns the count.</summary>
    /// <exception cref="PosixException">It failed.</exception>
    public static int Read(SafeFileHandle file, Span<byte> buffer, long offset, string path) => throw new NotImplementedException();

    /// <summary>ftruncate(2).</summary>
    /// <exception cref="PosixException">It failed.</exception>
    public static void Truncate(SafeFileHandle file, long length, string path) => throw new NotImplementedException();

    /// <summary>Writes a small file so that after a crash there is either the old one or the new one, whole: temporary file, fsync, rename, fsync of the folder.</summary>
    /// <exception cref="PosixException">It failed; the old file is still there.</exception>
    public static void ReplaceFile(string path, ReadOnlySpan<byte> content) => throw new NotImplementedException();
}
