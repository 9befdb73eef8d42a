using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>Whatever a file holds, a hub that runs goes on with what it had and says why; one that starts says so and ends with 2.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class JunkReloadTests
{
    public static TheoryData<string> Trials => [.. ReadFiles.Trials];

    [Theory]
    [MemberData(nameof(Trials))]
    public async Task A_running_hub_goes_on(string trial)
    {
        using var files = new ReadFiles(trial);
        await using var hub = await ReloadedHub.StartAsync(files.Options);
        foreach (var (name, content) in Junk.Of(files.Good))
        {
            files.Put(content);
            await ReloadAsync(name);
        }

        foreach (string name in Junk.OtherNames)
        {
            files.Remove();
            Junk.Make(name, files.Path);
            await ReloadAsync(name);
        }

        files.Put(files.Good);
        Assert.Contains("Reloaded;", await hub.ReloadAsync(), StringComparison.Ordinal);
        var mds = hub.Hub.Mds;
        mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await mds.EndAsync()).ExitCode);
        Assert.DoesNotContain("defect", mds.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", mds.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", mds.Error, StringComparison.Ordinal);

        async Task ReloadAsync(string name)
        {
            try
            {
                string logged = await hub.ReloadAsync();
                Assert.True(
                    logged.Contains("Reloaded; changed:", StringComparison.Ordinal) || logged.Contains(files.Path, StringComparison.Ordinal)
                    || (trial == "tls-pkcs12-password-file" && logged.Contains("pkcs12", StringComparison.Ordinal)),
                    $"{name}: {logged}");
            }
            catch (InvalidOperationException ended)
            {
                Assert.Fail($"{trial}: the hub ended when the file was {name[..Math.Min(name.Length, 100)]}: {ended.Message}");
            }

            await using var anybody = await RawConnection.ConnectAsync(hub.Hub.Endpoint);
            await anybody.SendAsync("GET / HTTP/1.1\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 ", await anybody.LineAsync(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("jwt-keys/jwks", "{}")]
    [InlineData("jwt-keys/jwks", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}")]
    [InlineData("config", "a FIFO that nobody writes to")]
    [InlineData("tls-cert", "a FIFO that nobody writes to")]
    [InlineData("auth-tokens", "a directory")]
    [InlineData("tls-key", "a device without end")]
    public async Task At_start_it_is_one_line_that_names_the_file_and_exit_code_2(string trial, string junk)
    {
        using var files = new ReadFiles(trial);
        files.Remove();
        if (Junk.OtherNames.Contains(junk))
        {
            Junk.Make(junk, files.Path);
        }
        else
        {
            files.Put(System.Text.Encoding.UTF8.GetBytes(junk));
        }

        var result = await MdsProcess.RunAsync(["serve", .. files.Options]);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(files.Path, result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
    }
}
