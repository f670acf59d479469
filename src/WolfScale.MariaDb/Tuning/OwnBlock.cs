using System.Collections.Immutable;
using System.Text;

namespace WolfScale.MariaDb.Tuning;

/// <summary>WolfScale's part of an option file, between two marks; what stands outside is the user's and stays.</summary>
public static class OwnBlock
{
    public const string Begin = "# >>> WolfScale: written by `wolfctl tune-mariadb`; what you change up to the mark below is replaced";

    public const string End = "# <<< WolfScale: what you write outside the two marks stays";

    /// <summary>The block.</summary>
    /// <param name="settings">What it sets.</param>
    /// <param name="left">Settings that are left to the user's lines, and where these are.</param>
    public static string Write(IEnumerable<ServerSetting> settings, IEnumerable<(ServerSetting Setting, OptionLine Line)> left)
    {
        var text = new StringBuilder().Append(Begin).Append("\n[mariadbd]\n");
        foreach (var setting in settings)
            _ = text.Append("# ").Append(setting.Why).Append('\n').Append(setting.Name).Append(" = ").Append(setting.Value).Append('\n');
        foreach (var (setting, line) in left)
            _ = text.Append("# ").Append(setting.Name).Append(": yours stands, ").Append(line.File).Append(": ").Append(line.Value).Append('\n');
        return text.Append(End).Append('\n').ToString();
    }

    /// <summary>The file with the block in place of the one that it holds, or behind what it holds.</summary>
    /// <exception cref="DatabaseException">Only one of the marks is there: what is the user's cannot be told.</exception>
    public static string Merge(string file, string block)
    {
        var (begin, end) = (file.IndexOf(Begin, StringComparison.Ordinal), file.IndexOf(End, StringComparison.Ordinal));
        if (begin < 0 && end < 0)
            return file.Length == 0 || file.EndsWith('\n') ? file + (file.Trim().Length == 0 ? "" : "\n") + block : file + "\n\n" + block;
        if (begin < 0 || end < begin)
            throw new DatabaseException("one of WolfScale's two marks (# >>> and # <<<) is missing in it: what is yours cannot be told. Delete what is left of WolfScale's part, with its mark");
        var after = file[(end + End.Length)..];
        return file[..begin] + block + (after.StartsWith('\n') ? after[1..] : after);
    }

    /// <summary>What the file holds besides.</summary>
    public static string Without(string file)
    {
        var (begin, end) = (file.IndexOf(Begin, StringComparison.Ordinal), file.IndexOf(End, StringComparison.Ordinal));
        return begin < 0 || end < begin ? file : file[..begin] + new string('\n', file[begin..(end + End.Length)].Count(c => c == '\n')) + file[(end + End.Length)..];
    }

    /// <summary>The lines, counted from 1, that are WolfScale's.</summary>
    internal static (int First, int Last) Lines(string file)
    {
        var (begin, end) = (file.IndexOf(Begin, StringComparison.Ordinal), file.IndexOf(End, StringComparison.Ordinal));
        return begin < 0 || end < begin ? (0, -1) : (1 + file[..begin].Count(c => c == '\n'), 1 + file[..end].Count(c => c == '\n'));
    }
}
