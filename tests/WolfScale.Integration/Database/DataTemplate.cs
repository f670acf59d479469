using System.Diagnostics;
using WolfScale.MariaDb.Local;

namespace WolfScale.Integration.Database;

/// <summary>A freshly installed data directory, made once and copied for every test server: installing takes far longer than copying.</summary>
internal static class DataTemplate
{
    private static readonly Lazy<Task<string>> Template = new(CreateAsync);

    /// <summary>Puts a copy into the folder of a server that is about to be created.</summary>
    public static async Task CopyToAsync(string serverDirectory)
    {
        var template = await Template.Value;
        _ = Directory.CreateDirectory(serverDirectory);
        using var copy = Process.Start("cp", ["-r", "--sparse=always", Path.Combine(template, "data"), Path.Combine(serverDirectory, "data")]);
        await copy.WaitForExitAsync();
        Assert.Equal(0, copy.ExitCode);
    }

    private static async Task<string> CreateAsync()
    {
        var folder = new TempFolder("template");
        TestRun.DisposeAtEnd(folder);
        await using var server = new PrivateServer(folder.File("s"), 0, 0);
        await server.CreateAsync();
        return server.Directory;
    }
}
