using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>The package of this checkout, as <c>./run.sh package</c> makes it.</summary>
internal static class DebianPackage
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    private static readonly Lazy<Task<string>> Made = new(MakeAsync);

    /// <summary>Its file.</summary>
    public static Task<string> FileAsync() => Made.Value;

    /// <summary>The same programs as a later version.</summary>
    public static async Task<string> LaterAsync(string folder)
    {
        _ = await FileAsync();
        var made = await Command.RunAsync(
            Path.Combine(Repository.Root, "scripts", "package.sh"), [Path.Combine(Repository.Root, "artifacts", "publish"), $"{await VersionAsync()}+later", folder, "gzip"], Limit);
        Assert.True(made.ExitCode == 0, made.ToString());
        return made.Output.Trim();
    }

    /// <summary>The version of the checkout.</summary>
    public static async Task<string> VersionAsync() =>
        (await File.ReadAllTextAsync(Path.Combine(Repository.Root, "Directory.Build.props"))).Split("<Version>")[1].Split("</Version>")[0];

    /// <summary>What <c>dpkg-deb</c> says of it.</summary>
    public static async Task<string> AskAsync(params string[] arguments)
    {
        var said = await Command.RunAsync("dpkg-deb", [arguments[0], await FileAsync(), .. arguments[1..]], Limit);
        Assert.True(said.ExitCode == 0, said.ToString());
        return said.Output;
    }

    private static async Task<string> MakeAsync()
    {
        var made = await Command.RunAsync(Path.Combine(Repository.Root, "run.sh"), ["package", "--fast"], Limit);
        Assert.True(made.ExitCode == 0, made.ToString());
        return Path.Combine(Repository.Root, made.Output.Trim().Split('\n')[^1]);
    }
}
