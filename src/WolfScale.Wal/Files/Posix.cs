using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using WolfScale.Wal.Files;

namespace WolfScale.Wal;

/// <summary>
/// The system calls on which durability rests, with their results checked, because .NET's own flushes hide errors (measured: neither
/// <c>FileStream.Flush(true)</c> nor <c>RandomAccess.FlushToDisk</c> reports EIO, ENOSPC or EDQUOT).
/// </summary>
public static class Posix
{
    private const uint OwnerAndGroup = 0b110_100_000; // rw-r-----

    /// <summary>fsync(2): data and metadata of the file are on the disk when it returns.</summary>
    /// <exception cref="PosixException">It failed: what the disk holds is unknown, and a second call may claim success. Stop trusting the file.</exception>
    public static void Fsync(SafeFileHandle file, string path)
    {
        while (NativeMethods.Fsync(file) != 0)
            ThrowUnlessInterrupted("fsync", path);
    }

    /// <summary>fdatasync(2): the data, and what is needed to read it back, are on the disk when it returns.</summary>
    /// <exception cref="PosixException">As for <see cref="Fsync"/>.</exception>
    public static void Fdatasync(SafeFileHandle file, string path)
    {
        while (NativeMethods.Fdatasync(file) != 0)
            ThrowUnlessInterrupted("fdatasync", path);
    }

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    /// <exception cref="PosixException">The folder cannot be opened or synced.</exception>
    public static void FsyncDirectory(string path)
    {
        using SafeFileHandle folder = Open(path, NativeMethods.OpenReadOnly);
        Fsync(folder, path);
    }

    /// <summary>pwrite(2) until all of <paramref name="data"/> is written; interrupted calls are repeated.</summary>
    /// <exception cref="PosixException">It failed; a part may have been written.</exception>
    public static unsafe void Write(SafeFileHandle file, ReadOnlySpan<byte> data, long offset, string path)
    {
        fixed (byte* start = data)
        {
            for (long done = 0; done < data.Length;)
            {
                nint written = NativeMethods.Write(file, start + done, (nint)(data.Length - done), offset + done);
                if (written < 0)
                    ThrowUnlessInterrupted("write", path);
                else
                    done += written;
            }
        }
    }

    /// <summary>pread(2) until the buffer is full or the file ends; returns the count.</summary>
    /// <exception cref="PosixException">It failed.</exception>
    public static unsafe int Read(SafeFileHandle file, Span<byte> buffer, long offset, string path)
    {
        int done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint read = NativeMethods.Read(file, start + done, buffer.Length - done, offset + done);
                if (read < 0)
                    ThrowUnlessInterrupted("read", path);
                else if (read == 0)
                    break;
                else
                    done += (int)read;
            }
        }

        return done;
    }

    /// <summary>ftruncate(2).</summary>
    /// <exception cref="PosixException">It failed.</exception>
    public static void Truncate(SafeFileHandle file, long length, string path)
    {
        while (NativeMethods.Truncate(file, length) != 0)
            ThrowUnlessInterrupted("truncate", path);
    }

    /// <summary>
    /// Writes a small file so that after a crash there is either the old one or the new one, whole: temporary file, fsync, rename, fsync of
    /// the folder.
    /// </summary>
    /// <exception cref="PosixException">It failed; the old file is still there.</exception>
    public static void ReplaceFile(string path, ReadOnlySpan<byte> content) => ReplaceFile(new PosixFiles(), path, content);

    internal static void ReplaceFile(IWalFiles files, string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + ".tmp";
        files.Delete(temporary);
        using (IWalFile file = files.Open(temporary, create: true))
        {
            file.Write(content, 0);
            file.Sync();
        }

        files.Rename(temporary, path);
        files.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    internal static SafeFileHandle Open(string path, int flags)
    {
        int descriptor;
        while ((descriptor = NativeMethods.Open(path, flags | NativeMethods.OpenCloseOnExec, OwnerAndGroup)) < 0)
            ThrowUnlessInterrupted("open", path);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    internal static void ThrowUnlessInterrupted(string call, string path)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error != NativeMethods.Interrupted)
            throw new PosixException(call, path, error, Marshal.GetPInvokeErrorMessage(error));
    }
}
