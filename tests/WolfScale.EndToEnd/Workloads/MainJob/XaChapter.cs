using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>XA transactions: one-phase, two-phase, rolled back, and finished by another session than the one that prepared them.</summary>
internal sealed class XaChapter : Chapter
{
    public override string Schema => "job_xa";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("accounts"), Table("transfers")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "CREATE TABLE accounts (id INT PRIMARY KEY, balance DECIMAL(20,2))",
            "CREATE TABLE transfers (id INT PRIMARY KEY AUTO_INCREMENT, how VARCHAR(30))",
            $"INSERT INTO accounts SELECT seq, 1000 FROM {Numbers}",
            $"INSERT INTO transfers (how) SELECT 'opening' FROM {Numbers}");
        for (var i = 1; i <= 20; i++)
        {
            await RunAsync(leader,
                $"XA START 'two-phase-{i}'", $"UPDATE accounts SET balance = balance - {i} WHERE id = {i}", $"INSERT INTO transfers (how) VALUES ('two-phase {i}')",
                $"XA END 'two-phase-{i}'", $"XA PREPARE 'two-phase-{i}'", $"XA COMMIT 'two-phase-{i}'");
        }
        await RunAsync(leader,
            "XA START 'one-phase', X'0102', 7", "UPDATE accounts SET balance = balance + 1 WHERE id > 1000", "XA END 'one-phase', X'0102', 7", "XA COMMIT 'one-phase', X'0102', 7 ONE PHASE",
            "XA START 'rolled-back'", "DELETE FROM accounts", "XA END 'rolled-back'", "XA PREPARE 'rolled-back'", "XA ROLLBACK 'rolled-back'",
            "XA START 'never-prepared'", "DELETE FROM transfers", "XA END 'never-prepared'", "XA ROLLBACK 'never-prepared'");

        // Prepared by sessions that end, finished by another: while they are open, the servers hold prepared transactions.
        await RunAsync(leader, "XA START 'orphan-1'", "UPDATE accounts SET balance = 0 WHERE id = 500", "XA END 'orphan-1'", "XA PREPARE 'orphan-1'");
        await RunAsync(leader, "XA START 'orphan-2'", "UPDATE accounts SET balance = 0 WHERE id = 501", "XA END 'orphan-2'", "XA PREPARE 'orphan-2'");
        await RunAsync(leader, "INSERT INTO transfers (how) VALUES ('between prepare and commit')");
        await RunAsync(leader, "XA COMMIT 'orphan-1'", "XA ROLLBACK 'orphan-2'");
    }
}
