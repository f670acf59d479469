using WolfScale.MariaDb.Sources;

namespace WolfScale.Unit.MariaDb;

/// <summary>What a source for <c>replication.mode = "binlog"</c> must be like.</summary>
public class SourceRulesTests
{
    private static readonly BinlogSource Good = new()
    {
        Version = "10.11.6-MariaDB", IsMariaDb = true, LogBin = true, Format = "ROW", RowImage = "FULL", ServerId = 7, GtidPosition = "0-7-42", Account = "`repl`@`%`",
        Privileges = ["REPLICATION SLAVE", "BINLOG MONITOR"], ServerIdsInUse = [7], KnowsReplicas = true,
    };

    [Fact]
    public void A_good_source_lacks_nothing() => Assert.Empty(SourceRules.Check(Good));

    [Fact]
    public void What_it_lacks_comes_with_what_mends_it()
    {
        Assert.Equal(("log_bin", true, "log_bin = binlog"), Only(Good with { LogBin = false, GtidPosition = "" }) is var f ? (f.Code, f.IsError, f.ConfigurationLine) : default);
        Assert.Equal(("binlog_format", true, "SET GLOBAL binlog_format = ROW;"), Only(Good with { Format = "STATEMENT" }) is var s ? (s.Code, s.IsError, s.Statement) : default);
        Assert.Equal(("binlog_format", false), Only(Good with { Format = "MIXED" }) is var m ? (m.Code, m.IsError) : default);
        Assert.Equal(("binlog_row_image", false), Only(Good with { RowImage = "MINIMAL" }) is var r ? (r.Code, r.IsError) : default);
        Assert.Equal("GRANT REPLICATION SLAVE ON *.* TO `repl`@`%`;", Only(Good with { Privileges = ["BINLOG MONITOR"] }).Statement);
        Assert.True(Only(Good with { ServerId = 0 }).IsError);
        Assert.False(Only(Good with { KnowsReplicas = false }).IsError);
        Assert.Equal("no_position", Only(Good with { GtidPosition = "" }).Code);
        Assert.Contains("8.0.36", Only(Good with { Version = "8.0.36", IsMariaDb = false, Privileges = [] }).What, StringComparison.Ordinal);
        Assert.Equal("version", Only(Good with { Version = "10.4.1-MariaDB" }).Code);
        Assert.Empty(SourceRules.Check(Good with { Privileges = ["ALL PRIVILEGES"] }));
    }

    [Fact]
    public void The_ten_ids_that_are_proposed_are_free()
    {
        Assert.Equal(1001u, SourceRules.ProposeServerId([1, 2, 1000, 1011]));
        Assert.Equal(2001u, SourceRules.ProposeServerId([1010]));
        Assert.Equal(3001u, SourceRules.ProposeServerId([1001, 2005]));
    }

    private static SourceFinding Only(BinlogSource source) => Assert.Single(SourceRules.Check(source));
}
