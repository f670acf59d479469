using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>
/// Everything an application and its administrator may write on the leader: every column type, every kind of object, every engine that
/// replicates, every form in which MariaDB puts a change into the binary log.
/// </summary>
internal static class MainJob
{
    public static IReadOnlyList<Chapter> Chapters { get; } =
    [
        new ColumnTypesChapter(),
        new EnginesChapter(),
        new ForeignKeysChapter(),
        new VersionedTablesChapter(),
        new ProgramsChapter(),
        new SequencesChapter(),
        new AccountsChapter(),
        new LoadsChapter(),
        new XaChapter(),
        new TransactionsChapter(),
        new StatementFormatChapter(),
        new PartitionsChapter(),
        new NamesChapter(),
        new MaintenanceChapter(),
        new AlterUnderLoadChapter(),
    ];

    public static IReadOnlyList<ExpectedObject> Expected { get; } =
        [.. Chapters.Select(c => new ExpectedObject("schema", c.Schema)), .. Chapters.SelectMany(c => c.Expected)];

    /// <summary>Writes all chapters, one after another.</summary>
    /// <exception cref="InvalidOperationException">A statement failed; the message names chapter and statement.</exception>
    public static async Task WriteAsync(SqlServer leader, Action<string> log)
    {
        foreach (var chapter in Chapters)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            try
            {
                await leader.RunAsync($"CREATE DATABASE `{chapter.Schema}` CHARACTER SET utf8mb4");
                await chapter.WriteAsync(leader);
            }
            catch (MySqlException e)
            {
                throw new InvalidOperationException($"{chapter.GetType().Name} on {leader}: error {e.Number}, {e.Message}\nStatement: {e.Data["sql"]}", e);
            }
            log($"{chapter.GetType().Name}: {clock.Elapsed.TotalSeconds:0.0} s");
        }
    }
}
