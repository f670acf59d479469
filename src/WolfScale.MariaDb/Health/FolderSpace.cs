using System.Runtime.InteropServices;

namespace WolfScale.MariaDb.Health;

/// <summary>How much a file system takes, as seen from this process.</summary>
/// <param name="Folder">A folder of the server on it.</param>
/// <param name="Bytes">Free for whoever is not root.</param>
/// <param name="Files">How many more files it takes; null where it does not count them.</param>
/// <param name="IsReadOnly">The file system itself takes no writes, for anybody.</param>
internal sealed partial record FolderSpace(string Folder, long Bytes, long? Files, bool IsReadOnly)
{
    private const string Mounts = "/proc/self/mountinfo";

    /// <summary>In the order of <c>struct statvfs</c> on 64-bit Linux (statvfs(3)), all of 64 bits.</summary>
    private const int FragmentSize = 1, BlocksAvailable = 4, FilesInAll = 5, FilesAvailable = 7, Fields = 16;

    /// <param name="folder">Absolute.</param>
    /// <param name="mounts">From <see cref="ReadMounts"/>.</param>
    /// <returns>Null where the folder cannot be seen from here.</returns>
    public static FolderSpace? Of(string folder, IReadOnlyList<string> mounts)
    {
        Span<ulong> fields = stackalloc ulong[Fields];
        return Statvfs(folder, ref MemoryMarshal.GetReference(fields)) != 0
            ? null
            : new FolderSpace(
                folder,
                (long)UInt128.Min(long.MaxValue, (UInt128)fields[BlocksAvailable] * fields[FragmentSize]),
                fields[FilesInAll] == 0 ? null : (long)Math.Min(long.MaxValue, fields[FilesAvailable]),
                IsFileSystemReadOnly(mounts, folder));
    }

    /// <summary>The mounts of this process; empty where they are not told.</summary>
    public static IReadOnlyList<string> ReadMounts()
    {
        try
        {
            return File.ReadAllLines(Mounts);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>
    /// Asks the file system, not the mount: a service manager may show the server's folders read-only to this process alone. A file system that the kernel has
    /// made read-only after an error calls itself <c>emergency_ro</c> (since Linux 6.15) or <c>ro</c>.
    /// </summary>
    /// <param name="mounts">Lines as of proc(5), <c>/proc/self/mountinfo</c>: <c>id parent major:minor root MOUNT-POINT options … - type source SUPER-OPTIONS</c>.</param>
    /// <param name="folder">Absolute, without links.</param>
    internal static bool IsFileSystemReadOnly(IEnumerable<string> mounts, string folder)
    {
        var (longest, isReadOnly) = (-1, false);
        foreach (var line in mounts)
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash < 0 || fields.Length < dash + 4)
                continue;
            var point = fields[4].Replace("\\040", " ", StringComparison.Ordinal);
            if (point.Length < longest || !(folder == point || folder.StartsWith(point.EndsWith('/') ? point : point + "/", StringComparison.Ordinal)))
                continue;
            // Of two on one place the later one lies on top.
            (longest, isReadOnly) = (point.Length, fields[dash + 3].Split(',').Any(o => o is "ro" or "emergency_ro" or "shutdown"));
        }

        return isReadOnly;
    }

    [LibraryImport("libc", EntryPoint = "statvfs", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statvfs(string path, ref ulong fields);
}
