return await MessageDelivery.Cli.CommandLine.RunAsync(args).ConfigureAwait(false);
