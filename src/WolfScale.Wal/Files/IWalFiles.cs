namespace WolfScale.Wal.Files;

/// <summary>
/// The few file operations the log needs, so that tests can put a disk underneath that tears, loses, reorders and fills up. Every
/// failure is a <see cref="PosixException"/>; nothing is buffered; nothing is durable before the matching sync.
/// </summary>
public interface IWalFiles
{
    /// <summary>Creates the folder and its parents where missing.</summary>
    void CreateDirectory(string path);

    /// <summary>The names (not paths) of the files in a folder, in no particular order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Opens a file for reading and writing; <paramref name="create"/> makes it, and fails when it is already there.</summary>
    IWalFile Open(string path, bool create);

    /// <summary>Renames within one folder, replacing the target atomically. Durable after <see cref="SyncDirectory"/>.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a name. Durable after <see cref="SyncDirectory"/>. Open files remain readable.</summary>
    void Delete(string path);

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    void SyncDirectory(string path);

    /// <summary>Takes the exclusive lock of a folder until disposed or the process ends; null when another holds it.</summary>
    IDisposable? TryLock(string path);
}

/// <summary>An open file. Reads may run on any thread beside one writer.</summary>
public interface IWalFile : IDisposable
{
    /// <summary>The file's path, for messages.</summary>
    string Path { get; }

    /// <summary>Its present length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads as much of <paramref name="buffer"/> as the file has at <paramref name="offset"/>; returns the count.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>Writes all of <paramref name="data"/>; on failure any part of it may have been written.</summary>
    void Write(ReadOnlySpan<byte> data, long offset);

    /// <summary>Cuts or extends (with zeros) the file. Durable after <see cref="Sync"/>.</summary>
    void SetLength(long length);

    /// <summary>fdatasync: the bytes, and the length where it grew.</summary>
    void SyncData();

    /// <summary>fsync: bytes and all metadata.</summary>
    void Sync();
}
