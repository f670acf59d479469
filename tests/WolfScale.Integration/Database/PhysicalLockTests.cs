using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Physical;

namespace WolfScale.Integration.Database;

/// <summary>Two runs of <c>migrate --physical</c> never work on one server's folders, from the first file that is received to the last of the old ones that is deleted.</summary>
public sealed class PhysicalLockTests : IDisposable
{
    private readonly TempFolder _folder = new("physical");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_next_run_is_refused_until_the_files_of_before_are_deleted()
    {
        await using var server = await TestServer.StartAsync();
        var options = new DatabaseOptions { NodeId = "node-1", DataDirectory = _folder.File("node"), Socket = server.Private.Socket, User = "root" };
        var journal = Interrupted(options);
        using var first = New(options);
        await first.RunAsync(NoSource, replaceData: true, TestContext.Current.CancellationToken);
        Assert.True(File.Exists(Path.Combine(journal.DataDirectory, "new")));
        Assert.True(File.Exists(Path.Combine(journal.Old, "ibdata1")));

        // The first one waits for the node to be in step.
        using (var second = New(options))
        {
            var refused = await Assert.ThrowsAsync<DumpException>(() => second.RunAsync(NoSource, replaceData: true, TestContext.Current.CancellationToken));
            Assert.Contains("works for this node already", refused.Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(second.DeleteOldFiles);
            Assert.True(File.Exists(Path.Combine(journal.Old, "ibdata1")));
        }

        first.DeleteOldFiles();
        Assert.False(Directory.Exists(journal.Folder));
        first.Dispose();
        using var third = New(options);
        var asked = await Assert.ThrowsAsync<DumpException>(() => third.RunAsync(NoSource, replaceData: true, TestContext.Current.CancellationToken));
        Assert.Equal("the source is asked", asked.Message);
    }

    /// <summary>A copy that is about to be put in place, by a run that was killed: the server's folder is none that a server runs on.</summary>
    private PhysicalJournal Interrupted(DatabaseOptions options)
    {
        var journal = new PhysicalJournal("ticket", "node-2", _folder.File("mariadb"), "0-1-1", 1);
        foreach (var (directory, file) in (ReadOnlySpan<(string, string)>)[(journal.DataDirectory, "ibdata1"), (journal.Incoming, "new")])
        {
            _ = Directory.CreateDirectory(directory);
            File.WriteAllText(Path.Combine(directory, file), "");
        }

        journal.Save(options);
        return journal;
    }

    private static PhysicalMigration New(DatabaseOptions options) => new(options, new Willing(), new ServerCommands("true", "true"), _ => { });

    private static Task<PhysicalStream> NoSource(CancellationToken cancellationToken) => throw new DumpException("the source is asked");

    private sealed class Willing : IFilesNode
    {
        public Task BeginAsync(string ticket, string from, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task PlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task AbandonAsync(string ticket, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
