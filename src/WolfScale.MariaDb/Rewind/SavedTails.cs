namespace WolfScale.MariaDb.Rewind;

/// <summary>The files with what servers had to undo, <c>discarded-TIME-FIRST-to-LAST.binlog</c>: each tail once, however often its undo is begun.</summary>
internal static class SavedTails
{
    /// <summary>Of these files alone, and not of those that the log saves (<c>discarded-log-…</c>): eight digits of a date.</summary>
    private const string Beginning = "discarded-????????-";

    public static void RemoveUnfinished(string directory) => TailFile.RemoveUnfinished(directory, Beginning);

    /// <summary>
    /// A node that was killed before its server's tail was undone, or that waits for a copy, finds the same tail at every start. What has the same bytes, to the last, are the same
    /// transactions: the file that is there stays, and the new one goes.
    /// </summary>
    /// <param name="file">The new one, durable.</param>
    /// <param name="nameEnd">How a file of the same GTIDs ends.</param>
    /// <returns>The one that stays.</returns>
    public static string Settle(string file, string nameEnd)
    {
        foreach (var earlier in Directory.EnumerateFiles(Path.GetDirectoryName(file)!, Beginning + "*" + nameEnd))
        {
            if (earlier == file || !AreEqual(earlier, file))
                continue;
            File.Delete(file);
            return earlier;
        }
        return file;
    }

    private static bool AreEqual(string one, string other)
    {
        if (new FileInfo(one).Length != new FileInfo(other).Length)
            return false;
        using var first = File.OpenRead(one);
        using var second = File.OpenRead(other);
        var (a, b) = (new byte[64 * 1024], new byte[64 * 1024]);
        while (first.ReadAtLeast(a, a.Length, throwOnEndOfStream: false) is > 0 and var read)
        {
            if (second.ReadAtLeast(b, b.Length, throwOnEndOfStream: false) != read || !a.AsSpan(0, read).SequenceEqual(b.AsSpan(0, read)))
                return false;
        }
        return true;
    }
}
