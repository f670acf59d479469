namespace WolfScale.Proxy.Sql;

/// <summary>
/// Tells from a statement's text where it may be executed and what it does to its session. Pure, without allocation, one pass.
/// <para>
/// <see cref="StatementRoute.Local"/> is said of reads only, and only where the text is proof. What no text shows (a view that calls a
/// function which writes) is caught by the server: sessions on a follower should have <c>tx_read_only=1</c>, which refuses writes and
/// <c>NEXTVAL</c> with error 1792 even to accounts that <c>read_only</c> does not stop (measured).
/// </para>
/// </summary>
public static class StatementClassifier
{
    /// <param name="sql">The text of COM_QUERY or COM_STMT_PREPARE, as sent.</param>
    public static StatementClass Classify(ReadOnlySpan<byte> sql, ClassifierOptions options)
    {
        var pass = new ClassifierPass(sql, options);
        return pass.Run();
    }

    /// <summary>
    /// The same; and every <c>SET @@name</c> without a scope becomes <c>SET   name</c> in the text (see <see cref="StatementClass.Unscoped"/>), in the same pass: a text may have thousands of them.
    /// </summary>
    public static StatementClass ClassifyAndRewrite(Span<byte> sql, ClassifierOptions options)
    {
        var pass = new ClassifierPass(sql, options, sql);
        return pass.Run();
    }
}
