using System.Collections.Immutable;

namespace WolfScale.MariaDb.Tuning;

/// <summary>A setting of the user's beside WolfScale's.</summary>
/// <param name="Setting">What WolfScale wants.</param>
/// <param name="Line">What the user has written, and where.</param>
public sealed record UserSetting(ServerSetting Setting, OptionLine Line);

/// <summary>What is to become of the option file.</summary>
/// <param name="File">Its path.</param>
/// <param name="Before">Its text; "" where it is not there.</param>
/// <param name="After">Its text to be.</param>
/// <param name="Written">The settings of WolfScale's part.</param>
/// <param name="Left">Settings of the user's that serve: WolfScale writes none of its own.</param>
/// <param name="Overridden">The user's lines that WolfScale's come after, and win over.</param>
/// <param name="Conflicts">The user's lines that win, although the server needs another value.</param>
/// <param name="IsRead">Whether the server reads the file by itself.</param>
/// <param name="Options">All that the server would read.</param>
public sealed record TuningPlan(
    string File, string Before, string After, ImmutableArray<ServerSetting> Written, ImmutableArray<UserSetting> Left, ImmutableArray<UserSetting> Overridden,
    ImmutableArray<UserSetting> Conflicts, bool IsRead, OptionFiles Options)
{
    public bool Changes => Before != After;

    /// <summary>Plans it, and writes nothing.</summary>
    /// <param name="file">Where WolfScale's settings go.</param>
    /// <param name="main">The file that the server is told; null: where MariaDB looks.</param>
    /// <param name="wanted">See <see cref="WantedSettings"/>.</param>
    /// <exception cref="DatabaseException">The file's marks are broken.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static TuningPlan Make(string file, string? main, ImmutableArray<ServerSetting> wanted)
    {
        file = Path.GetFullPath(file);
        var before = System.IO.File.Exists(file) ? System.IO.File.ReadAllText(file) : "";
        var users = OptionFiles.Read(main, (file, OwnBlock.Without(before)));
        var own = users.Files.Contains(file) ? users.Lines : [.. users.Lines, .. OptionFiles.Read(file, (file, OwnBlock.Without(before))).Lines];
        var given = wanted.Select(s => (Setting: s, Line: own.LastOrDefault(l => l.Name == s.Name))).ToList();
        var left = given.Where(g => g.Line is { } line && (g.Setting.Kind == SettingKind.Faster || g.Setting.Accepts(line.Value))).Select(g => new UserSetting(g.Setting, g.Line!)).ToImmutableArray();
        var written = given.Where(g => left.All(l => l.Setting != g.Setting) && (g.Setting.Kind != SettingKind.Guard || g.Line is not null)).Select(g => g.Setting).ToImmutableArray();
        var after = OwnBlock.Merge(before, OwnBlock.Write(written, left.Where(l => l.Setting.Kind != SettingKind.Guard).Select(l => (l.Setting, l.Line))));

        var options = OptionFiles.Read(main, (file, after));
        var (first, last) = OwnBlock.Lines(after);
        var others = written.Select(s => (Setting: s, Line: given.First(g => g.Setting == s).Line)).Where(o => o.Line is not null).Select(o => new UserSetting(o.Setting, o.Line!)).ToList();
        // Without ever being read, the file decides nothing by its place.
        bool Wins(UserSetting user) => (options.Lines.LastOrDefault(l => l.Name == user.Setting.Name) is { } final && (final.File != file || final.Line < first || final.Line > last));
        return new TuningPlan(
            file, before, after, written, left, [.. others.Where(o => !Wins(o))], [.. others.Where(Wins)], options.Files.Contains(file), options);
    }
}
