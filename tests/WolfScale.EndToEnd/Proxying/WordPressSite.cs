using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>Debian's WordPress, unchanged, in a folder of its own, served by PHP's own web server; its database is wherever it is told.</summary>
internal sealed class WordPressSite : IAsyncDisposable
{
    private const string Program = "/usr/share/wordpress";
    private const string Author = "author";
    private const string Password = "a password that is long enough";

    private readonly TempFolder _folder = new("wordpress");
    private readonly Process _php;
    private readonly HttpClient _http;

    private WordPressSite(DemoFacts facts, DemoNode node)
    {
        var port = Ports.FreeRange(1);
        var site = Path.Combine(_folder.Path, "site");
        using (var copy = Process.Start("cp", ["-rL", Program, site]))
            copy.WaitForExit();
        File.WriteAllText(Path.Combine(site, "wp-config.php"), $$"""
            <?php
            define('DB_NAME', '{{facts.Database}}');
            define('DB_USER', '{{facts.User}}');
            define('DB_PASSWORD', '{{facts.Password}}');
            define('DB_HOST', '{{node.Proxy.Host}}:{{node.Proxy.Port}}');
            define('DB_CHARSET', 'utf8mb4');
            define('DB_COLLATE', '');
            define('AUTH_KEY', 'k1'); define('SECURE_AUTH_KEY', 'k2'); define('LOGGED_IN_KEY', 'k3'); define('NONCE_KEY', 'k4');
            define('AUTH_SALT', 's1'); define('SECURE_AUTH_SALT', 's2'); define('LOGGED_IN_SALT', 's3'); define('NONCE_SALT', 's4');
            $table_prefix = 'wp_';
            define('DISABLE_WP_CRON', true);
            define('AUTOMATIC_UPDATER_DISABLED', true);
            define('WP_HTTP_BLOCK_EXTERNAL', true);
            if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
            require_once ABSPATH . 'wp-settings.php';

            """);
        var start = new ProcessStartInfo("php", ["-d", "sendmail_path=/bin/true", "-S", $"127.0.0.1:{port}", "-t", site])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PHP_CLI_SERVER_WORKERS"] = "3" },
        };
        _php = Process.Start(start)!;
        _php.OutputDataReceived += (_, _) => { };
        _php.ErrorDataReceived += (_, _) => { };
        _php.BeginOutputReadLine();
        _php.BeginErrorReadLine();
        _http = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() })
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")),
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    /// <summary>Installs it, through the pages that a person would use, and logs its author in.</summary>
    public static async Task<WordPressSite> InstallAsync(DemoFacts facts, DemoNode node)
    {
        var site = new WordPressSite(facts, node);
        try
        {
            await Poll.UntilAsync("WordPress's first page", TimeSpan.FromSeconds(60), async () => (await site._http.GetAsync("wp-admin/install.php")).IsSuccessStatusCode ? null : "not yet");
            var installed = await site.PostFormAsync("wp-admin/install.php?step=2", new()
            {
                ["weblog_title"] = "A site on a cluster", ["user_name"] = Author, ["admin_password"] = Password, ["admin_password2"] = Password, ["pw_weak"] = "1",
                ["admin_email"] = "author@example.org", ["blog_public"] = "0", ["language"] = "", ["Submit"] = "Install WordPress",
            });
            Assert.Contains("Success", installed, StringComparison.Ordinal);
            _ = await site._http.GetStringAsync("wp-login.php");
            _ = await site.PostFormAsync("wp-login.php", new() { ["log"] = Author, ["pwd"] = Password, ["wp-submit"] = "Log In", ["testcookie"] = "1" });
            site._http.DefaultRequestHeaders.Add("X-WP-Nonce", await site._http.GetStringAsync("wp-admin/admin-ajax.php?action=rest-nonce"));
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes a post.</summary>
    /// <returns>Its id; null where WordPress says that it failed.</returns>
    public async Task<long?> PublishAsync(string title)
    {
        using var answer = await _http.PostAsJsonAsync("?rest_route=/wp/v2/posts", new { title, content = $"The text of {title}.", status = "publish" });
        return answer.StatusCode == HttpStatusCode.Created ? (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64() : null;
    }

    /// <summary>A page as a reader sees it.</summary>
    public Task<string> ReadAsync(string path) => _http.GetStringAsync(path);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_php.HasExited)
            _php.Kill(entireProcessTree: true);
        await _php.WaitForExitAsync();
        _php.Dispose();
        _folder.Dispose();
    }

    private async Task<string> PostFormAsync(string path, Dictionary<string, string> fields)
    {
        using var form = new FormUrlEncodedContent(fields);
        using var answer = await _http.PostAsync(path, form);
        return await answer.Content.ReadAsStringAsync();
    }
}
