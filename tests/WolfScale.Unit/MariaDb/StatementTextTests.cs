using WolfScale.MariaDb.Rewind;

namespace WolfScale.Unit.MariaDb;

public class StatementTextTests
{
    [Theory]
    [InlineData("CREATE USER u@'%' IDENTIFIED BY 'hunter2'", "CREATE USER u@'%' IDENTIFIED …")]
    [InlineData("create user u identified via ed25519 using 'hunter2'", "create user u identified …")]
    [InlineData("SET PASSWORD FOR u = PASSWORD('hunter2')", "SET PASSWORD …")]
    [InlineData("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'hunter2')", "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD …")]
    [InlineData("DROP TABLE t", "DROP TABLE t")]
    public void A_report_shows_no_password(string sql, string shown) => Assert.Equal(shown, StatementText.ForReport(sql));

    [Fact]
    public void A_long_statement_is_cut() => Assert.Equal(81, StatementText.ForReport(new string('x', 200)).Length);
}
