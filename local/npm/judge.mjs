// What an evaluator of IAM policies that is not ours says of cases: one as JSON a line in, one word a line out.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { runSimulation, anonymousPrincipal } = createRequire(process.cwd() + '/')('@cloud-copilot/iam-simulate')
const named = (policies) => policies.map((policy, number) => ({ name: `p${number}`, policy }))

for await (const line of createInterface({ input: process.stdin })) {
  const one = JSON.parse(line)
  const found = await runSimulation({
    request: {
      principal: one.principal || anonymousPrincipal,
      action: one.action,
      resource: { resource: one.resource, accountId: one.owner },
      contextVariables: one.context
    },
    identityPolicies: named(one.own),
    permissionBoundaryPolicies: one.boundary ? named([one.boundary]) : undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: one.domain
  }, {})
  console.log(found.resultType === 'error' ? 'error' : found.overallResult)
}
