using Microsoft.Win32.SafeHandles;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// Writes the groups of a tail to a file that <c>mariadb-binlog</c> reads: the binlog's magic number, the server's FORMAT_DESCRIPTION, and the
/// events byte for byte as they stand in its binlog. Durable when <see cref="Finish"/> returns. The undo works from this file, so what was
/// saved and what is undone are the same bytes.
/// </summary>
internal sealed class TailFile : IDisposable
{
    /// <summary>First four bytes of every binlog file.</summary>
    public static ReadOnlySpan<byte> Magic => [0xFE, (byte)'b', (byte)'i', (byte)'n'];

    private const string Unfinished = ".part";

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly string _temporary;
    private long _length;
    private bool _finished;

    private TailFile(string path)
    {
        _path = path;
        _temporary = path + Unfinished;
        _file = File.OpenHandle(_temporary, FileMode.Create, FileAccess.ReadWrite);
    }

    /// <summary>Begins a file. One that is not <see cref="Finish"/>ed goes when it is disposed: on a full disk it would take the place that is needed.</summary>
    public static TailFile Create(string path)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var file = new TailFile(path);
        try
        {
            file.Write(Magic);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Posix.Write(_file, bytes, _length, _temporary);
        _length += bytes.Length;
    }

    /// <summary>Makes the file durable under its name.</summary>
    /// <exception cref="PosixException">The disk did not take it: nothing has been undone yet, and nothing may be.</exception>
    public void Finish()
    {
        Posix.Fsync(_file, _temporary);
        File.Move(_temporary, _path, overwrite: true);
        _finished = true;
        Posix.FsyncDirectory(Path.GetDirectoryName(_path)!);
    }

    public void Dispose()
    {
        _file.Dispose();
        if (!_finished)
            TryDelete(_temporary);
    }

    /// <summary>Removes half-written files of a life before.</summary>
    public static void RemoveUnfinished(string directory, string beginning)
    {
        if (!Directory.Exists(directory))
            return;
        foreach (var file in Directory.EnumerateFiles(directory, beginning + "*" + Unfinished))
            TryDelete(file);
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It takes space, and nothing else: the next attempt tries again.
        }
    }
}
